/**
 * The log of work that is repeated all the time: a failure of one kind is a line every ten minutes at most, and otherwise only at `debug`.
 * While the database is away each try fails, several times a second on each server.
 */
import type { Logger } from './logger.ts';
import { safeError } from './safe-error.ts';

const QUIET_MS = 10 * 60_000;

/** @param failed the line: what failed, and what happens next. Create one log for each kind of work */
export function createFailureLog(logger: Logger, failed: string): (error: unknown) => void {
  /** By name, code and SQLSTATE, of which there are few. */
  const loggedAt = new Map<string, number>();
  return (error) => {
    const described = safeError(error);
    const kind = `${described.error} ${described.sqlstate}`;
    const now = performance.now();
    const isRecent = now - (loggedAt.get(kind) ?? Number.NEGATIVE_INFINITY) < QUIET_MS;
    if (!isRecent) loggedAt.set(kind, now);
    logger[isRecent ? 'debug' : 'warn'](described, failed);
  };
}
