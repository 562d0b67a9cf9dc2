/** A transaction that writes many rows of one organization: it holds the organization alone (organizations/organization-lock.ts). */
import type { Sql } from 'postgres';
import type { Tx } from '../database/open.ts';
import { replayTransaction } from '../database/replay.ts';
import { lockOrganization } from '../organizations/organization-lock.ts';
import { applySettings, revokeLeases } from './lease.ts';

/** Longer than a batch. A lock that takes longer is held by batches that overlap, or by a server that does not answer. */
const LOCK_TIMEOUT = '3s';

export type Begin = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

export interface ExclusiveOptions {
  /** `sql.begin` unless given. */
  begin?: Begin;
  /** Called before each repetition. */
  onConflict?: () => Promise<void>;
}

/** @param work may be called again after a lock conflict, so it has no effect outside the database */
export async function runExclusively<T>(
  sql: Sql,
  organizationId: number,
  work: (tx: Tx, isRegistered: boolean) => Promise<T>,
  { begin = beginIn(sql), onConflict }: ExclusiveOptions = {},
): Promise<T> {
  const transaction = () =>
    begin(async (tx) => {
      await applySettings(tx);
      await tx`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`;
      return await work(tx, await lockOrganization(tx, organizationId));
    });
  return await replayTransaction(transaction, onConflict);
}

/**
 * The same beside a run that is under way. Batches of a fast run overlap, and each shares the organization, so it may never be
 * free: after a lock conflict the run's lease is revoked, its batches end, and it goes on from its checkpoint later.
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

/** postgres.js resolves arrays of promises that a transaction returns; a value in an object stays as it is. */
function beginIn(sql: Sql): Begin {
  return async (work) => {
    const { value } = await sql.begin(async (tx) => ({ value: await work(tx) }));
    return value;
  };
}
