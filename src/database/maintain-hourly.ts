/** Work on a table at the start of the server and every hour, such as the end of a retention time. */
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { every } from '../timing/every.ts';
import { isLockConflict } from './retry-transaction.ts';

const EVERY_MS = 60 * 60 * 1_000;

/**
 * @param failed the log line of a failure
 * @returns stops it
 * @throws the error of the first time, unless another session holds a lock on the table, or both wait for each other: the
 *   server can start, and the next time does the work
 */
export async function maintainHourly(
  work: () => Promise<void>,
  logger: Logger,
  failed: string,
): Promise<() => void> {
  const warn = (error: unknown): void => logger.warn(safeError(error), failed);
  await work().catch((error: unknown) => {
    // A long reader such as a backup, or the maintenance of another server.
    if (!isLockConflict(error)) throw error;
    warn(error);
  });
  return every(
    () => EVERY_MS,
    () => work().catch(warn),
  );
}
