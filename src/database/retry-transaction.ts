/**
 * Retries a transaction that PostgreSQL aborted because of a lock: as the victim of a deadlock, or after `lock_timeout`.
 *
 * One lock order (docs/guides/architecture.md) prevents deadlocks between our own transactions. Other programs write
 * `sync_logs` in their own order, so a deadlock with them stays possible.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { databaseError } from '../logging/safe-error.ts';

const MAX_ATTEMPTS = 5;
const MAX_PAUSE_MS = 100;

/** SQLSTATE 40P01 or 55P03: nothing was written, and a retry may succeed. */
export function isLockConflict(error: unknown): boolean {
  return /^(40P01|55P03)$/.test(databaseError(error)?.code ?? '');
}

/**
 * @param transaction from `begin` to `commit`; it is called at most five times, so it must have no effect outside the
 * database
 * @param onConflict called before each retry
 * @throws the last error
 */
export async function retryTransaction<T>(
  transaction: () => Promise<T>,
  onConflict: () => Promise<void> = async () => {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction();
    } catch (error) {
      if (!isLockConflict(error) || attempt === MAX_ATTEMPTS) throw error;
      await delay(Math.random() * MAX_PAUSE_MS);
      await onConflict();
    }
  }
}
