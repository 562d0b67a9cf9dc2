import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_SETTINGS } from '#contract/organization.ts';
import { type ParseRules, parseRecord } from '../../src/patients/parse-patient.ts';
import { person, recordOf } from '../support/scripted-source.ts';

const lenient = { country: 'AU', validation: DEFAULT_SETTINGS.validation };
const strict = { country: 'AU', validation: { phone: 'reject', email: 'require' } } as const;
const phones = (...numbers: unknown[]) => ({ patient_phone_numbers: numbers.map((number) => ({ number })) });

const parse = (record: unknown, rules: ParseRules) => parseRecord(recordOf(JSON.stringify(record)), rules);

describe('a record of Cliniko', () => {
  test('always gives a patient or a quarantined record', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (record) => {
        expect(['patient', 'rejected']).toContain(parse(record, strict).kind);
      }),
    );
  });

  test('is kept with any fields, if it has an id', () => {
    const fields = fc.constantFrom(...Object.keys(person(1)).filter((key) => key !== 'id'));
    fc.assert(
      fc.property(fc.dictionary(fields, fc.jsonValue()), (wrong) => {
        const read = parse(person(1, wrong), lenient);
        expect(read).toMatchObject({ kind: 'patient', patient: { clinikoPatientId: '1400000000000000001' } });
      }),
    );
  });

  test.for([
    ['a text of 19 digits', '9912087736654301127', '9912087736654301127'],
    ['a small number', 41205518, '41205518'],
    ['a number of 19 digits', 2 ** 60, '1152921504606847000'],
  ] as const)('has an id when it is %s', ([, id, expected]) => {
    expect(parse(person(1, { id }), lenient)).toMatchObject({
      patient: { clinikoPatientId: expected },
    });
  });

  test.for([[1412087736654301127n.toString().concat('0')], [1.5], [2 ** 64], [null], ['12a'], [{}], [-1]])(
    'has no usable id when it is %j, and is quarantined under a name of its own',
    ([id]) => {
      const read = parse(person(1, { id }), lenient);
      expect(read).toMatchObject({
        kind: 'rejected',
        rejected: {
          reason: 'MISSING_ID',
          clinikoPatientId: null,
          recordKey: expect.stringMatching(/^sha256:/),
        },
      });
    },
  );

  test('loses only what PostgreSQL cannot store', () => {
    const read = parse(person(1, { first_name: 'A\0nn\ud800a', notes: 'a\\u0000b \0c' }), lenient);
    if (read.kind !== 'patient') throw new Error('rejected');

    expect(read.patient.firstName).toBe('Ann\ufffda');
    expect(JSON.parse(read.patient.raw.toString())).toMatchObject({
      first_name: 'Ann\ufffda',
      notes: 'a\\u0000b c',
    });
  });

  test('reads null and "" as missing', () => {
    const read = parse(person(1, { archived_at: '', date_of_birth: '', last_name: ' ' }), lenient);
    expect(read).toMatchObject({
      patient: { archivedAt: null, dateOfBirth: null, lastName: null, warnings: 0 },
    });
  });

  test('changes its hash with any change, and only then', () => {
    const hash = (fields: Record<string, unknown>, rules = lenient) => {
      const read = parse(person(1, fields), rules);
      return read.kind === 'patient' ? read.patient.contentHash : undefined;
    };
    expect(hash({})).toBe(hash({}));
    expect(hash({ notes: 'new' })).not.toBe(hash({}));
    expect(hash(phones('0412 345 678'), { ...lenient, country: 'GB' })).not.toBe(
      hash(phones('0412 345 678')),
    );
  });
});

describe('the content hash', () => {
  const raw = JSON.stringify(person(1, { first_name: 'Zo\u00eb', notes: '\u2028 \\u0041' }), null, 2);
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32);

  test('is that of the stored versions: of the rules, and of the JSON without line breaks', () => {
    const read = parseRecord(recordOf(raw), lenient);
    expect(read).toMatchObject({
      patient: { contentHash: sha256(`3 AU warn optional\n${raw.replaceAll('\n', ' ')}`) },
    });
  });

  test('is that of the JSON which PostgreSQL can store, however long it is', () => {
    const json = `{"id":"1","notes":"${'x'.repeat(100_000)}\\u0000"}`;
    expect(parseRecord(recordOf(json), lenient)).toMatchObject({
      patient: { contentHash: sha256(`3 AU warn optional\n${json.replace('\\u0000', '')}`) },
    });
  });
});

describe('a phone number', () => {
  test('of a record is found, and one that was left empty is not invalid', () => {
    expect(parse(person(1, phones('0491 570 006')), strict)).toMatchObject({
      kind: 'patient',
      patient: { phone: '+61491570006' },
    });
    expect(parse(person(1, phones('', '  ')), strict)).toMatchObject({ kind: 'patient' });
  });

  test('that is invalid is a warning or a rejection, as the organization decides', () => {
    const record = person(1, phones('ask at the desk', '0491 570 006'));
    expect(parse(record, strict)).toMatchObject({ rejected: { words: 'Invalid phone number format' } });
    expect(parse(record, lenient)).toMatchObject({ patient: { phone: '+61491570006', warnings: 1 } });
  });
});

describe('a missing email', () => {
  test('is a warning or a rejection, as the organization decides', () => {
    const record = person(1, { email: '' });
    expect(parse(record, lenient)).toMatchObject({ kind: 'patient', patient: { warnings: 1 } });
    expect(parse(record, strict)).toMatchObject({
      rejected: { words: 'Missing required email field' },
    });
  });
});
