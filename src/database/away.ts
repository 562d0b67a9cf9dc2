import { databaseError, errorCode } from '../logging/safe-error.ts';

/**
 * Whether the database is away for a moment: the connection is gone, or the server stops, starts or is full. The same may be
 * asked of it again in a while.
 */
export function isDatabaseAway(error: unknown): boolean {
  const sqlstate = databaseError(error)?.code ?? '';
  if (/^(08|53|57P|25P03)/.test(sqlstate) || sqlstate === '40001' || sqlstate === '40P01') return true;
  const code = errorCode(error);
  return code.startsWith('CONNECT') || /^E(CONN|PIPE|NOTFOUND|HOST|NET|TIMEDOUT)/.test(code);
}
