/** Records as Cliniko wrote them: from the text of a page, through the parsed record, to the database. */
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { type ClinikoRecord, readRecords } from '../../src/cliniko/record.ts';
import { readField, readId, readTime, storableJson } from '../../src/cliniko/wire.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { person, scriptedSource } from '../support/scripted-source.ts';

const pageOf = (records: readonly string[]) => `{"total_entries": 3, "patients": [${records.join(',')}]}`;

function recordsOf(page: string): ClinikoRecord[] {
  return readRecords(Buffer.from(page), 'patients')?.records ?? [];
}

describe('the text of a record', () => {
  test('equals the text of the page, for any content and whitespace', () => {
    const values = fc.array(
      fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.string({ unit: 'binary' }))),
    );
    const indents = fc.constantFrom(0, 1, '\t', 4);
    fc.assert(
      fc.property(values, fc.jsonValue(), indents, (records, other, indent) => {
        const page = JSON.stringify({ before: other, patients: records, '"]},': [other] }, null, indent);
        const read = recordsOf(page);
        const expected = JSON.parse(page).patients.map((record: unknown) => JSON.stringify(record));
        expect(read.map((record) => JSON.stringify(JSON.parse(record.text)))).toEqual(expected);
        for (const { text } of read) expect(text).not.toContain('\n');
      }),
      { numRuns: 50 },
    );
  });

  test('comes from the last list when a page contains the key twice', () => {
    const [record] = recordsOf('{"patients": [{"id": "1"}], "p\\u0061tients": [ {"id": "2"} ], "links": {}}');
    expect(record?.text).toBe('{"id": "2"}');
    expect(record?.id).toBe('2');
  });

  test.for([
    ['{"id":"41205518","created_at":"2025-01-01T00:00:00Z"}', '41205518', '2025-01-01T00:00:00.000Z'],
    [
      '{ "id" : 41205518 , "created_at" : "2025-01-01T00:00:00+10:00" }',
      '41205518',
      '2024-12-31T14:00:00.000Z',
    ],
    ['{"\\u0069d":"\\u0037","created\\u005fat":"2025-01-01T00:00:00Z"}', '7', '2025-01-01T00:00:00.000Z'],
    [
      '{"id":"1","id":1412087736654301127,"created_at":"2025-01-01T00:00:00Z","created_at":null}',
      '1412087736654301127',
      undefined,
    ],
    ['{"patient":{"id":"8"},"list":[{"id":"9"}],"xid":"3","created_by":"4"}', undefined, undefined],
    ['{"id":1e3}', undefined, undefined],
    ['[{"id":"1"}]', undefined, undefined],
    ['"id"', undefined, undefined],
  ] as const)('%s has the id and time that its parsed record has', ([text, id, createdAt]) => {
    const [record] = recordsOf(pageOf([text]));
    expect(record).toMatchObject({ text, id, createdAt });
  });

  test('has the id and the time of its parsed record, whatever its members are called and contain', () => {
    const name = fc.constantFrom('id', String.raw`\u0069d`, 'created_at', 'ID', 'xid', 'created_by', '');
    const value = fc.oneof(
      fc.bigInt({ min: 0n, max: 10n ** 20n }).map(String),
      fc.bigInt({ min: 0n, max: 10n ** 20n }).map((id) => `"${id}"`),
      fc.constantFrom('"2025-01-01T00:00:00Z"', '"2025-01-01"', '1e3', '-0', 'null', '{"id":1}', '["id"]'),
    );
    const members = fc.array(fc.tuple(name, value), { maxLength: 5 });
    fc.assert(
      fc.property(members, (pairs) => {
        const [record] = recordsOf(pageOf([`{${pairs.map(([key, json]) => `"${key}": ${json}`).join()}}`]));
        expect(record?.id).toBe(readId(readField(record?.parse(), 'id')));
        expect(record?.createdAt).toBe(readTime(readField(record?.parse(), 'created_at')));
      }),
      { numRuns: 500 },
    );
  });

  test.for([
    ['12345678901234567890', '12345678901234567890'],
    ['1412087736654301127', '1412087736654301127'],
    ['1e400', '1e400'],
    ['-1E-400', '-1E-400'],
    ['0.30000000000000000001', '0.30000000000000000001'],
    ['1e3', '1e3'],
    ['123456789012345', 123456789012345],
    ['-0.5', -0.5],
    ['9007199254740991', 9007199254740991],
    // Written like the number that JSON.parse makes of it and of its neighbours.
    ['1412087736654301200', '1412087736654301200'],
    ['10000000000000000', '10000000000000000'],
  ] as const)('keeps the number %s, which is parsed as %j', ([number, expected]) => {
    const [record] = recordsOf(pageOf([`{"id": "1", "n": [${number}, "12345678901234567890"]}`]));
    expect(record?.parse()).toEqual({ id: '1', n: [expected, '12345678901234567890'] });
    expect(record?.text).toContain(`[${number},`);
  });

  test('keeps surrogate pairs, and loses lone surrogates and NUL', () => {
    const [record] = recordsOf(
      pageOf([String.raw`{"a":"\ud83d\ude00 \ud83d \ude00 \u0000 \\u0000 \\\u0000"}`]),
    );
    expect(storableJson(record?.text ?? '')).toBe(String.raw`{"a":"\ud83d\ude00 \ufffd \ufffd  \\u0000 \\"}`);
  });
});

describe('a page', () => {
  /** What JSON.parse reads from the same bytes; undefined unless it is an object. */
  function parsed(page: Buffer): Record<string, unknown> | undefined {
    try {
      const value: unknown = JSON.parse(new TextDecoder().decode(page));
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
    } catch {
      return undefined;
    }
  }

  const punctuation = [...Buffer.from('[]{}",:\\ \n\t\u00a0\u00eb0-1.eEtrufalsn\0\f'), 0xff, 0xed, 0xa0];
  const edit = fc.record({
    at: fc.nat(200),
    drop: fc.nat(2),
    add: fc.array(fc.constantFrom(...punctuation), { maxLength: 2 }),
  });
  type Edit = { at: number; drop: number; add: number[] };

  function edited(page: Buffer, edits: readonly Edit[]): Buffer {
    return edits.reduce((bytes, { at, drop, add }) => {
      const place = at % bytes.length;
      return Buffer.concat([bytes.subarray(0, place), Buffer.from(add), bytes.subarray(place + drop)]);
    }, page);
  }

  /** A page, often damaged. */
  const pages = fc
    .record({
      patients: fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 }),
      other: fc.jsonValue({ maxDepth: 1 }),
      edits: fc.array(edit, { maxLength: 2 }),
      mark: fc.constantFrom('', '\ufeff'),
    })
    .map(({ patients, other, edits, mark }) => {
      const page = Buffer.from(JSON.stringify({ before: other, patients, after: other }));
      return Buffer.concat([Buffer.from(mark), edited(page, edits)]);
    });
  const hasWideNumber = (page: Buffer) => /\d[\d.]{15}|\d[eE]/.test(page.toString());

  test.each([
    '1234567890123456-',
    '3.953772517428-e-91',
    '01234567890123456789',
    '1e',
    '-1234567890.12345e+',
    '1.e5',
    '+1e400',
  ])('is rejected for the wide number %s, which is not one in JSON', (number) => {
    expect(readRecords(Buffer.from(`{"patients":[{"id":1,"n":${number}}]}`), 'patients')).toBeUndefined();
  });

  test('that is not UTF-8 has records that are', () => {
    const page = Buffer.from('{"patients":[{"id":"1","first_name":"Zo\xeb"}]}', 'latin1');
    const [record] = readRecords(page, 'patients')?.records ?? [];
    expect(record?.text).toBe('{"id":"1","first_name":"Zo\ufffd"}');
    expect(isUtf8(record?.bytes ?? page)).toBe(true);
  });

  test('is rejected when it has thousands of records, as only a hostile server sends them', () => {
    const page = (records: number) => Buffer.from(`{"patients":[${Array(records).fill('0').join()}]}`);
    expect(readRecords(page(10_000), 'patients')?.records).toHaveLength(10_000);
    expect(readRecords(page(10_001), 'patients')).toBeUndefined();
  });

  test('is read as JSON.parse reads it, and rejected when JSON.parse rejects it', () => {
    fc.assert(
      fc.property(pages, (page) => {
        fc.pre(!hasWideNumber(page));
        const expected = parsed(page);
        const records = Array.isArray(expected?.patients) ? expected.patients : [];
        const envelope = Array.isArray(expected?.patients) ? { ...expected, patients: [] } : expected;
        const read = readRecords(page, 'patients');
        const values = read && { ...read, records: read.records.map((record) => record.parse()) };
        expect(values).toEqual(expected && { envelope, records });
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a sync of odd records', () => {
  const good = (id: number) => JSON.stringify(person(id));
  const withField = (id: number, field: string) => `${good(id).slice(0, -1)},${field}}`;

  test('stores the numbers in `raw` as Cliniko wrote them', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const numbers = '"n":[12345678901234567890,1e400,0.1000000000000000000000001]';
    const exactId = good(2).replace('"1400000000000000002"', '1400000000000000002');
    const records = recordsOf(pageOf([withField(1, numbers), exactId]));
    const log = await engine.syncWith(scriptedSource(records));
    expect(log).toMatchObject({ status: 'completed', records_success: 2 });
    const rows = await engine.sql<{ id: string; n: string | null }[]>`
      select cliniko_patient_id as id, raw ->> 'n' as n from patients order by id`;
    expect(rows.map(({ id }) => id)).toEqual(['1400000000000000001', '1400000000000000002']);
    expect(rows[0]?.n).toBe(`[12345678901234567890, 1${'0'.repeat(400)}, 0.1000000000000000000000001]`);
  });

  test('loses only the records that the database cannot store', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const deep = `"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const odd = [
      withField(1, '"n":1e200000'),
      withField(2, deep),
      withField(3, String.raw`"t":"\u0000\ud800"`),
      withField(4, '"first_name":"Twice","first_name":"Last"'),
      withField(5, String.raw`"\u0000":1,"":2`),
      withField(6, '"last_name":12345678901234567890'),
    ];
    const fine = Array.from({ length: 12 }, (_, index) => good(100 + index));
    const log = await engine.syncWith(scriptedSource(recordsOf(pageOf([...odd, ...fine]))));
    expect(log).toMatchObject({ status: 'completed', records_success: 16, records_failed: 2 });
    const quarantined = await engine.sql`select cliniko_patient_id as id, reason from quarantine order by id`;
    expect(quarantined).toEqual([
      { id: '1400000000000000001', reason: 'REFUSED_BY_DATABASE' },
      { id: '1400000000000000002', reason: 'REFUSED_BY_DATABASE' },
    ]);
    const rows = await engine.sql`select first_name, last_name from patients
      where cliniko_patient_id in ('1400000000000000004', '1400000000000000006') order by cliniko_patient_id`;
    expect(rows).toMatchObject([{ first_name: 'Last' }, { last_name: '12345678901234567890' }]);
  });
});
