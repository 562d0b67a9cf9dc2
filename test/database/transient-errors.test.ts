import { DrizzleQueryError } from 'drizzle-orm/errors';
import { describe, expect, test } from 'vitest';
import { ClinikoError } from '../../src/cliniko/error.ts';
import { isDatabaseUnavailable, unavailableReason } from '../../src/database/transient-errors.ts';
import { describeFailure } from '../../src/sync/failure.ts';
import { refusal } from '../support/postgres.ts';

const coded = (code: string) => Object.assign(new Error('x'), { code });
const fetchFailed = (code: string) => new TypeError('fetch failed', { cause: coded(code) });

const CODES = ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EHOSTUNREACH', 'ETIMEDOUT', 'EPIPE'];

describe('a network error', () => {
  test.for(CODES)('%s concerns the database only as the driver throws it', (code) => {
    expect(isDatabaseUnavailable(coded(code))).toBe(true);
    expect(isDatabaseUnavailable(new DrizzleQueryError('select 1', [], coded(code)))).toBe(true);
    expect(isDatabaseUnavailable(fetchFailed(code))).toBe(false);
    const ofCliniko = new ClinikoError(
      { kind: 'unavailable', status: undefined, code },
      { cause: coded(code) },
    );
    expect(isDatabaseUnavailable(ofCliniko)).toBe(false);
    expect(isDatabaseUnavailable(new Error('wrapped', { cause: ofCliniko }))).toBe(false);
  });

  test.for([
    ['SELF_SIGNED_CERT_IN_CHAIN', 'NODE_EXTRA_CA_CERTS'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'NODE_EXTRA_CA_CERTS'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'NODE_EXTRA_CA_CERTS'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'NODE_EXTRA_CA_CERTS'],
    ['CERT_HAS_EXPIRED', 'clock'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'HTTPS'],
    ['ENOTFOUND', 'DNS'],
    ['EAI_AGAIN', 'DNS'],
    ['ECONNREFUSED', 'firewall'],
    ['ETIMEDOUT', 'firewall'],
    ['NO_ANSWER', 'in time'],
    ['ECONNRESET', 'was cut'],
  ] as const)(
    '%s between us and Cliniko is named in error_details, and the solution says %s',
    ([code, word]) => {
      const error = new ClinikoError(
        { kind: 'unavailable', status: undefined, code },
        { cause: coded(code) },
      );
      expect(describeFailure(error)).toMatchObject({
        error_type: 'CLINIKO_UNAVAILABLE',
        error_details: expect.stringContaining(`(${code})`),
        retry_recommended: true,
        solution: expect.stringContaining(word),
      });
    },
  );
});

describe('an error of the database', () => {
  test.for([
    ['08006', 'the connection was lost'],
    ['25006', 'the session became read-only'],
    ['40P01', 'a deadlock'],
    ['53300', 'no session is free'],
    ['53100', 'its disk is full'],
    ['55P03', 'a lock was not free'],
    ['57014', 'the statement was cancelled'],
    ['57P01', 'the server stops'],
    ['57P03', 'the server starts'],
    ['58030', 'its disk does not answer'],
  ])('%s passes: %s', ([code = '']) => {
    expect(isDatabaseUnavailable(refusal({ code }))).toBe(true);
    expect(isDatabaseUnavailable(new DrizzleQueryError('select 1', [], refusal({ code })))).toBe(true);
  });

  test.for([
    ['53100', 'its disk is full, SQLSTATE 53100'],
    ['25006', 'it accepts no writes, SQLSTATE 25006'],
    ['28P01', 'it refuses the password, SQLSTATE 28P01'],
    ['58030', 'SQLSTATE 58030'],
  ])('%s is described as "%s"', ([code = '', words]) => {
    expect(unavailableReason(new DrizzleQueryError('select 1', [], refusal({ code })))).toBe(words);
  });

  test.for(['28P01', '3D000', 'XX000', '42704'])(
    '%s passes when it ends the session, and only then',
    (code) => {
      expect(isDatabaseUnavailable(refusal({ code, severity: 'FATAL' }))).toBe(true);
      const ofPgbouncer = { severity: undefined, severity_local: 'FATAL' };
      expect(isDatabaseUnavailable(Object.assign(refusal({ code }), ofPgbouncer))).toBe(true);
      expect(isDatabaseUnavailable(refusal({ code }))).toBe(false);
    },
  );

  test.for(['23505', '42P01', '22P02', '21000', '42501'])('%s is a fault of the statement', (code) => {
    expect(isDatabaseUnavailable(refusal({ code }))).toBe(false);
  });
});

test.for([
  'CONNECTION_CLOSED',
  'CONNECTION_SILENT',
  'CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'PASSWORD_WITHHELD',
])('the driver says %s when it has no connection', (code) =>
  expect(isDatabaseUnavailable(coded(code))).toBe(true),
);

test('no session that accepts writes is described as such', () => {
  expect(unavailableReason(coded('CONNECTION_DESTROYED'))).toBe('it accepts no writes, CONNECTION_DESTROYED');
  expect(unavailableReason(coded('ECONNREFUSED'))).toBe('ECONNREFUSED');
  expect(unavailableReason(new Error('gone'))).toBe('no connection');
});
