import { databaseError, errorCode } from '../logging/safe-error.ts';

/**
 * SQLSTATEs after which the same may be asked again in a while: no connection, no room, the server stops or starts, a deadlock,
 * a statement that took too long or was cancelled by an operator, a lock that was not to be had.
 */
const PASSING = /^(08|53|57P|25P03|40001|40P01|57014|55P03)/;

/** Whether the database is away for a moment, or lets us wait. */
export function isDatabaseAway(error: unknown): boolean {
  const sqlstate = databaseError(error)?.code ?? '';
  if (PASSING.test(sqlstate)) return true;
  const code = errorCode(error);
  return code.startsWith('CONNECT') || /^E(CONN|PIPE|NOTFOUND|HOST|NET|TIMEDOUT)/.test(code);
}
