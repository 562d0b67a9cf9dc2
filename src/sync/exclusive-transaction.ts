/** A transaction that writes many rows of one organization, under its exclusive lock (organizations/organization-lock.ts). */
import type { Sql } from 'postgres';
import type { Tx } from '../database/open.ts';
import { retryTransaction } from '../database/retry-transaction.ts';
import { lockOrganization } from '../organizations/organization-lock.ts';
import { engineSettings, revokeLeases } from './lease.ts';

/** Longer than a batch. A lock wait beyond it is caused by overlapping batches or by a server that does not respond. */
const LOCK_TIMEOUT = '3s';

export type Begin = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

export interface ExclusiveOptions {
  /** Default: `sql.begin`. */
  begin?: Begin;
  /** Called before each retry. */
  onConflict?: () => Promise<void>;
}

/** @param work called again after a lock conflict, so it must have no effect outside the database */
export async function runExclusively<T>(
  sql: Sql,
  organizationId: number,
  work: (tx: Tx, isRegistered: boolean) => Promise<T>,
  { begin = beginIn(sql), onConflict }: ExclusiveOptions = {},
): Promise<T> {
  const transaction = () =>
    begin(async (tx) => {
      await tx`select ${engineSettings(tx)}, set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`;
      return await work(tx, await lockOrganization(tx, organizationId));
    });
  return await retryTransaction(transaction, onConflict);
}

/**
 * Like `runExclusively`, but interrupts a running run. Batches of a fast run overlap and each shares the organization's lock,
 * so the lock may never be free. After a lock conflict the run's lease is revoked, its batches end, and it continues later
 * from its checkpoint.
 */
export async function interruptAndRun<T>(
  sql: Sql,
  organizationId: number,
  work: (tx: Tx, isRegistered: boolean) => Promise<T>,
  begin?: Begin,
): Promise<T> {
  const onConflict = () => revokeLeases(sql, organizationId);
  return await runExclusively(sql, organizationId, work, { onConflict, ...(begin && { begin }) });
}

/** postgres.js resolves an array of promises that a transaction returns. Wrapped in an object, the value stays unchanged. */
function beginIn(sql: Sql): Begin {
  return async (work) => {
    const { value } = await sql.begin(async (tx) => ({ value: await work(tx) }));
    return value;
  };
}
