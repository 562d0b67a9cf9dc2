import { DrizzleQueryError } from 'drizzle-orm/errors';
import { databaseError, errorCode } from '../logging/safe-error.ts';

/**
 * SQLSTATEs after which the same statement may succeed later: no connection (08), insufficient resources (53), a server that
 * stops or starts (57P), a disk error (58), a session that a failover made read-only (25006) or that was ended while idle
 * (25P03), a deadlock or a conflict (40), a statement that took too long or was cancelled (57014), a lock that was not free
 * (55P03).
 */
const TRANSIENT_CODES = /^(08|53|57P|58|25006$|25P03|40001|40003|40P01|57014|55P03)/;

/** Node's codes for network and TLS errors, and the driver's codes for a connection that was lost or not accepted. */
const NETWORK =
  /^(CONNECT|E(CONN|PIPE|NOTFOUND|AI_|HOST|NET|TIMEDOUT|PROTO)|ERR_(SSL|TLS|STREAM)|SASL_|PASSWORD_WITHHELD$)|CERT|^UNABLE_TO_/;

/**
 * Whether the database is temporarily unavailable or overloaded.
 *
 * ECONNREFUSED looks the same from every source. So a network error counts only as the driver throws it, bare or in
 * drizzle's query error; as the cause of any other error (Cliniko, an identity provider, a webhook) it does not come from
 * the database.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  const refusal = databaseError(error);
  if (refusal !== undefined) return TRANSIENT_CODES.test(refusal.code) || endsSession(refusal);
  const thrown = error instanceof DrizzleQueryError ? error.cause : error;
  return isBareError(thrown) && NETWORK.test(errorCode(thrown));
}

const ACCEPTS_NO_WRITES = 'it accepts no writes';

/** What an operator can look at; of the others the code says as much. */
const REASONS = new Map([
  ['28P01', 'it refuses the password'],
  ['53100', 'its disk is full'],
  ['53200', 'it has too little memory'],
  ['53300', 'no session is free'],
  ['57P03', 'it is starting or stopping'],
  ['57014', 'a statement took too long, or was cancelled'],
  ['55P03', 'another session holds a lock, which "npm run doctor" names'],
  ['25006', ACCEPTS_NO_WRITES],
  ['CONNECTION_DESTROYED', ACCEPTS_NO_WRITES],
  ['CONNECT_WRONG_SESSION', ACCEPTS_NO_WRITES],
]);

/**
 * @param error for which `isDatabaseUnavailable`
 * @returns a part of a sentence, without data: `its disk is full, SQLSTATE 53100`
 */
export function unavailableReason(error: unknown): string {
  const sqlstate = databaseError(error)?.code;
  const code = sqlstate ?? errorCode(error);
  const words = [REASONS.get(code), sqlstate === undefined ? code : `SQLSTATE ${sqlstate}`];
  return words.filter(Boolean).join(', ') || 'no connection';
}

/** Of an error of PostgreSQL or of a pooler. pgbouncer sends only the field that PostgreSQL translates, in English. */
export interface Severity {
  severity?: string;
  severity_local?: string;
}

/**
 * Whatever its SQLSTATE, such an error concerns the session and not a statement: a pooler without a server, a password that
 * is being changed, a database that is being restored.
 */
export function endsSession({ severity, severity_local: translated }: Severity): boolean {
  return ['FATAL', 'PANIC'].includes(severity ?? translated ?? '');
}

/** The driver's network errors have a code and no cause. `fetch` wraps its errors in a TypeError. */
function isBareError(error: unknown): error is Error {
  return error instanceof Error && error.cause === undefined && !(error instanceof TypeError);
}
