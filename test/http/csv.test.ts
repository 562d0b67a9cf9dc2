import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvOf } from '../../src/http/csv.ts';

/** RFC 4180: the cells of one column, without its first line. */
function cellsOf(csv: string): string[] {
  const cells = [...csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))\r\n/g)];
  return cells.slice(1).map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
}

describe('a table as CSV', () => {
  test('keeps every text, and has no cell that begins like a formula', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { maxLength: 5 }),
        fc.constantFrom('', '=', '+', '-', '@', '\t', ' ='),
        (texts, start) => {
          const rows = texts.map((text) => ({ name: `${start}${text}` }));
          const cells = cellsOf(csvOf(['name'], rows));
          const withoutApostrophes = (text: string) => text.replaceAll("'", '');
          expect(cells.map(withoutApostrophes)).toEqual(rows.map(({ name }) => withoutApostrophes(name)));
          // Spreadsheets pass over blanks.
          expect(cells.filter((cell) => /^\t|^\s*[=+\-@]/.test(cell))).toEqual([]);
        },
      ),
    );
  });

  test('has no formula behind a semicolon, a tab or a line break, where some spreadsheets begin a cell', () => {
    for (const separator of [';', '\t', '\r\n', '; ', ';"']) {
      const rows = [{ id: 1, name: `Clinic${separator}=cmd|' /C calc'!A0${separator}` }];
      const [, ...cells] = csvOf(['id', 'name'], rows).split(/[;\t\r\n]+/);
      expect(cells.filter((cell) => /^[\s"]*[=+\-@]/.test(cell))).toEqual([]);
    }
    expect(csvOf(['name'], [{ name: 'a;b;-c' }])).toBe(`name\r\n"a;b;'-c"\r\n`);
  });

  test('writes a number below zero as text: another program can have stored one', () => {
    expect(csvOf(['count'], [{ count: -5 }, { count: 5 }])).toBe("count\r\n'-5\r\n5\r\n");
  });

  test('writes ids of 19 digits as text, and leaves out what is null', () => {
    const rows = [
      { id: { id: '1234567890123456789' }, count: 3, since: null },
      { id: { id: null }, count: 0, since: 'yes, "now"' },
    ];
    expect(csvOf(['id', 'count', 'since'], rows)).toBe(
      `id,count,since\r\n'1234567890123456789,3,\r\n,0,"yes, ""now"""\r\n`,
    );
  });
});
