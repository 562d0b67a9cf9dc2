import { DrizzleQueryError } from 'drizzle-orm/errors';
import { databaseError, errorCode } from '../logging/safe-error.ts';

/**
 * SQLSTATEs after which the same may be asked again in a while: no connection, no room, the server stops or starts, a deadlock,
 * a statement that took too long or was cancelled by an operator, a lock that was not to be had.
 */
const PASSING = /^(08|53|57P|25P03|40001|40P01|57014|55P03)/;

/**
 * Whether the database is away for a moment, or lets us wait.
 *
 * ECONNREFUSED looks the same wherever it comes from. So an error of the network counts only as the driver throws it, bare
 * or in drizzle's query error; as the cause of any other error (Cliniko, an identity provider, a webhook) it is not the
 * database's.
 */
export function isDatabaseAway(error: unknown): boolean {
  const sqlstate = databaseError(error)?.code ?? '';
  if (PASSING.test(sqlstate)) return true;
  const thrown = error instanceof DrizzleQueryError ? error.cause : error;
  const code = isBareError(thrown) ? errorCode(thrown) : '';
  return code.startsWith('CONNECT') || /^E(CONN|PIPE|NOTFOUND|HOST|NET|TIMEDOUT)/.test(code);
}

/** The driver's errors of the network have a code and no cause. `fetch` wraps its own in a TypeError. */
function isBareError(error: unknown): error is Error {
  return error instanceof Error && error.cause === undefined && !(error instanceof TypeError);
}
