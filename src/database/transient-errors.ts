import { DrizzleQueryError } from 'drizzle-orm/errors';
import { databaseError, errorCode } from '../logging/safe-error.ts';

/**
 * SQLSTATEs after which the same statement may succeed later: no connection (08), no room (53), the server stops or starts
 * (57P), an error of its disks (58), a session that became read-only by a failover (25006) or was ended while idle (25P03),
 * a deadlock or a conflict (40), a statement that took too long or was cancelled (57014), a lock that was not free (55P03).
 */
const TRANSIENT_CODES = /^(08|53|57P|58|25006$|25P03|40001|40003|40P01|57014|55P03)/;

/** Node's codes of a network, of TLS, and the driver's own for a connection that was lost or not accepted. */
const NETWORK =
  /^(CONNECT|E(CONN|PIPE|NOTFOUND|AI_|HOST|NET|TIMEDOUT|PROTO)|ERR_(SSL|TLS|STREAM)|SASL_|PASSWORD_WITHHELD$)|CERT|^UNABLE_TO_/;

/**
 * Whether the database is away for a moment, or lets us wait.
 *
 * ECONNREFUSED looks the same wherever it comes from. So an error of the network counts only as the driver throws it, bare
 * or in drizzle's query error; as the cause of any other error (Cliniko, an identity provider, a webhook) it is not the
 * database's.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  const refusal = databaseError(error);
  if (refusal !== undefined) return TRANSIENT_CODES.test(refusal.code) || endsSession(refusal.severity);
  const thrown = error instanceof DrizzleQueryError ? error.cause : error;
  return isBareError(thrown) && NETWORK.test(errorCode(thrown));
}

/**
 * Whatever its SQLSTATE, such an error is about the session and not about a statement: a pooler without a server, a password
 * that is being changed, a database that is being restored.
 */
function endsSession(severity: string): boolean {
  return severity === 'FATAL' || severity === 'PANIC';
}

/** The driver's errors of the network have a code and no cause. `fetch` wraps its own in a TypeError. */
function isBareError(error: unknown): error is Error {
  return error instanceof Error && error.cause === undefined && !(error instanceof TypeError);
}
