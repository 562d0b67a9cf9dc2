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
          expect(cells.map((cell, index) => (cell === rows[index]?.name ? cell : cell.slice(1)))).toEqual(
            rows.map(({ name }) => name),
          );
          // Spreadsheets pass over blanks.
          expect(cells.filter((cell) => /^\t|^\s*[=+\-@]/.test(cell))).toEqual([]);
        },
      ),
    );
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
