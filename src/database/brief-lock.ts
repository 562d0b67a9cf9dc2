/**
 * Locks of work that goes through many organizations. It waits only briefly for one of them: an organization that another
 * program holds in a long transaction delays only itself.
 */
import type { ISql } from 'postgres';
import { databaseError } from '../logging/safe-error.ts';

/** Longer than our own transactions hold a row, except the largest. */
const BRIEF = '1s';

/** A column of a statement: limits each wait for a lock in the rest of its transaction. */
export const briefLockWait = (tx: ISql) => tx`set_config('lock_timeout', ${BRIEF}, true)`;

/**
 * Whether a statement waited too long for a row: SQLSTATE 55P03, 57014 when the role's limit for a statement is shorter, or
 * 40P01 as the victim of a deadlock.
 */
export function waitedTooLong(error: unknown): boolean {
  return /^(40P01|55P03|57014)$/.test(databaseError(error)?.code ?? '');
}
