import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseWirePatient, storableJson, WireEnvelope, type WirePatient } from '../../src/cliniko/wire.ts';

function read(fields: Record<string, unknown>): { patient: WirePatient; oddities: string[] } {
  const record = parseWirePatient({ id: '41205518', ...fields });
  if (record.kind !== 'patient') throw new Error('no patient');
  return record;
}

const NOTHING: WirePatient = {
  id: '41205518',
  firstName: null,
  lastName: null,
  email: null,
  phones: [],
  dateOfBirth: null,
  createdAt: null,
  updatedAt: null,
  archivedAt: null,
  mergedInto: null,
};

const FIELDS = [
  'first_name',
  'last_name',
  'email',
  'patient_phone_numbers',
  'date_of_birth',
  'created_at',
  'updated_at',
  'archived_at',
  'merged_with_patient',
];

describe('a field of a patient', () => {
  test.for([
    ['absent', undefined],
    ['null', null],
    ['empty', ''],
    ['blank', ' \t'],
    ['what PostgreSQL cannot hold', '\0 \0'],
  ] as const)('is absent, and no oddity, when it is %s', ([, value]) => {
    const fields = Object.fromEntries(FIELDS.map((name) => [name, value]));
    expect(read(fields)).toMatchObject({ patient: NOTHING, oddities: [] });
  });

  test('is absent, and reported as an oddity, when it has a wrong type', () => {
    const fields = Object.fromEntries(FIELDS.map((name) => [name, { of: 'another shape' }]));
    expect(read(fields)).toMatchObject({ patient: NOTHING, oddities: FIELDS });
  });

  test('is kept as entered, a number as its text', () => {
    const { patient, oddities } = read({ first_name: ' Oona ', last_name: 42, email: 'B.O@Example.com ' });
    expect(patient).toMatchObject({ firstName: ' Oona ', lastName: '42', email: 'B.O@Example.com ' });
    expect(oddities).toEqual([]);
  });

  test('is optional, and an unknown one is harmless', () => {
    const record: unknown = JSON.parse(
      '{"id":"41205518","__proto__":{"email":"x"},"constructor":1,"new":[]}',
    );
    expect(parseWirePatient(record)).toMatchObject({ kind: 'patient', patient: NOTHING, oddities: [] });
  });

  test('never loses the record, whatever its value is', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...FIELDS), fc.jsonValue()), (fields) => {
        expect(FIELDS).toEqual(expect.arrayContaining(read(fields).oddities));
      }),
    );
  });
});

describe('phone numbers', () => {
  test('are the items with a number, in order', () => {
    const home = { number: '(03) 5300 5550', normalized_number: '61353005550' };
    const numbers = [home, { number: ' ' }, null, { number: '\0' }, { number: 412 }];
    expect(read({ patient_phone_numbers: numbers }).patient.phones).toEqual([
      { typed: '(03) 5300 5550', normalized: '61353005550' },
      { typed: '412', normalized: null },
    ]);
  });
});

describe('a date', () => {
  test.for([
    ['2024-02-29', '2024-02-29'],
    ['2023-02-29', null],
    ['0000-01-01', null],
    ['29/02/2024', null],
    ['2024-02-29T00:00:00Z', null],
    [20240229, null],
  ] as const)('%j is read as %j', ([date, expected]) => {
    const { patient, oddities } = read({ date_of_birth: date });
    expect(patient.dateOfBirth).toBe(expected);
    expect(oddities).toEqual(expected === null ? ['date_of_birth'] : []);
  });
});

describe('a time', () => {
  test.for([
    ['2025-10-04T16:00:00Z', '2025-10-04T16:00:00.000Z'],
    ['2025-10-04T16:00:00.5+09:30', '2025-10-04T06:30:00.500Z'],
    ['2025-10-04', null],
    ['2025-13-04T16:00:00Z', null],
    // These offsets lead to two years that PostgreSQL does not have.
    ['0001-01-01T00:00:00+10:00', null],
    ['9999-12-31T23:59:59-10:00', null],
    // A leap second, as PostgreSQL reads it.
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2017-01-01T09:59:60.5+10:00', '2017-01-01T00:00:00.500Z'],
    ['9999-12-31T23:59:60Z', null],
    ['2016-12-31T23:59:61Z', null],
    [1_759_593_600, null],
  ] as const)('%j is read as %j', ([time, expected]) => {
    const { patient, oddities } = read({ updated_at: time });
    expect(patient.updatedAt).toBe(expected);
    expect(oddities).toEqual(expected === null ? ['updated_at'] : []);
  });
});

describe('a merged patient', () => {
  test.for([
    ['https://api.au1.cliniko.com/v1/patients/1412087736654301127', '1412087736654301127'],
    ['https://api.au1.cliniko.com/v1/patients/77?page=1', '77'],
    ['https://api.au1.cliniko.com/v1/patients/77/', '77'],
    ['https://api.au1.cliniko.com/v1/patients/seventy', null],
    ['https://api.au1.cliniko.com/v1/patients/12345678901234567890', null],
  ] as const)('whose survivor is %s names %s', ([self, expected]) => {
    expect(read({ merged_with_patient: { links: { self } } }).patient.mergedInto).toBe(expected);
  });

  test('whose link a hostile server made of half a million others is read like any other', () => {
    const self = `${'/1?'.repeat(500_000)}\n`;
    expect(read({ merged_with_patient: { links: { self } } }).patient.mergedInto).toBe('1');
  });
});

describe('the original JSON text', () => {
  const texts = fc.string({ unit: fc.oneof(fc.constantFrom('\0', '\\', '\ud800', '\udc00', 'u0000', '😀')) });

  test('is stored unchanged except for what PostgreSQL cannot store', () => {
    fc.assert(
      fc.property(texts, texts, (key, value) => {
        const raw = storableJson(JSON.stringify([{ [key]: value }]));
        const storable = (text: string) => text.toWellFormed().replaceAll('\0', '');
        expect(Object.entries(JSON.parse(raw)[0])).toEqual([[storable(key), storable(value)]]);
      }),
    );
  });
});

describe('the envelope', () => {
  test.for([
    [{ patients: [] }, { patients: [] }],
    [
      { patients: [null, 1, {}], total_entries: 3 },
      { patients: [null, 1, {}], total_entries: 3 },
    ],
    [{ patients: [], total_entries: '12' }, { total_entries: 12 }],
    [{ patients: [], links: { next: 'https://x' } }, { links: { next: 'https://x' } }],
  ] as const)('%j is understood', ([envelope, expected]) => {
    expect(WireEnvelope.parse(envelope)).toMatchObject(expected);
  });

  test.for([[null], [-1], [1.5], ['many'], [{}]])('a total of %j is no total', ([total]) => {
    expect(WireEnvelope.parse({ patients: [], total_entries: total }).total_entries).toBeUndefined();
  });

  test.for([[null], [[]], [{ next: null }], [{ next: '' }], [{ next: 7 }]])(
    'links of %j have no next page',
    ([links]) => {
      expect(WireEnvelope.parse({ patients: [], links }).links?.next).toBeUndefined();
    },
  );

  test.for([[null], [[]], ['text'], [{}], [{ patients: null }], [{ patients: {} }]])(
    '%j is not an envelope',
    ([envelope]) => {
      expect(WireEnvelope.safeParse(envelope).success).toBe(false);
    },
  );
});
