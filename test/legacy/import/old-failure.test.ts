import { describe, expect, test } from 'vitest';
import { readFailure, readPatientLines } from '../../../src/legacy/import/old-failure.ts';

const TEXTS = [
  ['"Cliniko returned 401 Unauthorized for Grace Example"', 'CLINIKO_AUTH_FAILED'],
  ['{"error": "403 Forbidden"}', 'CLINIKO_FORBIDDEN'],
  ['{"error": "429 Too Many Requests"}', 'CLINIKO_RATE_LIMITED'],
  [
    '{"error": "duplicate key value violates unique constraint", "detail": "Key (name)=(Grace Example)"}',
    'DATABASE_CONSTRAINT_ERROR',
  ],
  ['psycopg2.OperationalError: server closed the connection', 'DATABASE_UNAVAILABLE'],
  ['ReadTimeout: timed out', 'SYNC_INTERRUPTED'],
  ['{"error": "503 Service Unavailable"}', 'CLINIKO_UNAVAILABLE'],
  ['Cancelled by Grace Example', 'SYNC_CANCELLED'],
  ['Could not parse Grace Example, 0412 345 678', 'INTERNAL_ERROR'],
  ['{}', 'INTERNAL_ERROR'],
  [null, 'INTERNAL_ERROR'],
] as const;

test.for(TEXTS)('the error text %j reads as %s, without a name', ([text, errorType]) => {
  const failure = readFailure(text);
  expect(failure.errorType).toBe(errorType);
  expect(failure.details).not.toMatch(/Grace|Example|0412/);
});

describe('a list of patients that failed', () => {
  test('becomes lines with the id and a reason of ours', () => {
    const { lines, total } = readPatientLines(
      JSON.stringify([
        { patient_id: '1412087736654301127', name: 'Grace Example', error: 'bad phone 0412 345 678' },
        { cliniko_patient_id: 12, message: 'email of Grace Example is missing' },
        'Patient ID: 13 (Grace Example): invalid date of birth',
        'Patient #14 duplicate key (Grace Example)',
        { id: '15', error: 'Grace Example was updated twice' },
      ]),
    );
    expect(total).toBe(5);
    expect(lines).toEqual([
      'Patient ID 1412087736654301127: Invalid phone number format',
      'Patient ID 12: Missing or invalid email field',
      'Patient ID 13: Invalid date',
      'Patient ID 14: Database constraint violation',
      'Patient ID 15: Could not be stored',
    ]);
  });

  test('takes no number for an id that may be something else', () => {
    const { lines, total } = readPatientLines(
      JSON.stringify({
        errors: ['Patient 0412345678 has no name', { id: '0412 345 678' }, { id: 1.5 }, null],
      }),
      'Grace Example',
      '{"errors": "Grace Example"}',
    );
    expect({ lines, total }).toEqual({ lines: [], total: 4 });
  });

  test('keeps the newest twenty', () => {
    const ids = Array.from({ length: 30 }, (_, n) => ({ patient_id: n + 1 }));
    const { lines, total } = readPatientLines(JSON.stringify(ids));
    expect(lines).toHaveLength(20);
    expect(lines.at(-1)).toContain('Patient ID 30:');
    expect(total).toBe(30);
  });
});
