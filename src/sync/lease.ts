/**
 * The lease: which worker may execute a run, and until when, by the database's clock.
 *
 * A claim assigns the run to one worker with a new epoch. A worker with an older epoch is fenced: a write for a run commits
 * only if this row is still its own (`isOurs`). So a worker that was frozen past its lease and resumes writes nothing.
 * No session advisory locks: poolers and recycled connections break them.
 */
import type { ISql } from 'postgres';
import { OperationType, RowId, SyncStep, SyncTrigger } from '#contract/sync-log.ts';
import type { Database } from '../database/open.ts';
import { triggerNotifySuppressed } from '../events/suppress-trigger-notify.ts';
import type { ClaimKind } from './observer.ts';
import { parseCheckpoint, type RunState } from './run-state.ts';

const LEASE = '7 seconds';
/** Servers of the previous version use leases of this length. */
const LONGEST_LEASE = '15 seconds';

/**
 * A worker that is frozen or disconnected inside a transaction keeps this row locked, so no worker could claim the run.
 * Postgres ends its session before the lease expires.
 */
const IDLE_IN_TRANSACTION = '5s';
/** Below that limit: a batch idles in its transaction while the one before it waits for a lock. */
const LOCK_TIMEOUT = '4s';
export const RENEW_EVERY_MS = 2_000;

export interface Lease {
  syncLogId: number;
  organizationId: number;
  owner: string;
  epoch: number;
}

export interface ClaimedRun {
  lease: Lease;
  type: OperationType;
  kind: ClaimKind;
  /** 1 for the first worker of this run. */
  attempt: number;
  state: RunState;
  /** When the run was requested, by the database's clock. */
  createdAt: Date;
  /** Milliseconds from `createdAt` to this claim. */
  ageMs: number;
  /** Consecutive claims without progress, this one included. */
  claimsWithoutProgress: number;
  /** The run was cancelled while no worker had it. */
  cancelRequested: boolean;
  /** The step in the public row at the claim: a resumed run never goes back a step. */
  step: SyncStep;
  /** What started the run. */
  trigger: SyncTrigger | undefined;
  /** The failed run that this one tries again. */
  retryOf: number | undefined;
}

/** Another worker has the run now, or it was ended. Nothing more may be written for it. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

interface ClaimedRow {
  sync_log_id: number;
  organization_id: number;
  operation_type: string;
  lease_epoch: number;
  attempt: number;
  fruitless_claims: number;
  checkpoint: unknown;
  created_ms: number;
  age_ms: number;
  cancel_requested: boolean;
  step: unknown;
  trigger: unknown;
  retry_of: unknown;
  previous_owner: string | null;
}

/**
 * Claims the oldest free run whose type this version knows. (During a rolling upgrade a run of a new type waits for a server
 * that knows it.) A run is free when it has no owner, when its lease has expired, or when its owner is this worker but does
 * not execute it, because the database was unavailable during the run. One whose organization another program holds is left, because it
 * would wait in a slot: its stream of events is locked (events/free-streams.ts).
 *
 * @param active the runs that this worker executes
 */
export async function claimNextRun(
  { sql }: Database,
  owner: string,
  active: readonly number[] = [],
): Promise<ClaimedRun | undefined> {
  const [row] = await sql<ClaimedRow[]>`
    with free as (
      select sync_log_id as id, owner as previous_owner from sync_runs
      join sync_streams as stream using (organization_id)
      where ended_at is null and operation_type = any(${OperationType.options as string[]}::text[])
        and sync_log_id <> all(${active as number[]}::int[])
        and (owner is null or owner = ${owner} or not ${isLeased(sql)})
      order by created_at limit 1 for update of sync_runs, stream skip locked)
    update sync_runs as run set
      owner = ${owner}, lease_epoch = lease_epoch + 1, attempt = attempt + 1,
      fruitless_claims = fruitless_claims + 1, lease_expires_at = clock_timestamp() + ${LEASE}::interval
    from free where sync_log_id = free.id
    returning sync_log_id, organization_id, operation_type, lease_epoch, attempt, fruitless_claims, checkpoint,
      extract(epoch from created_at)::float8 * 1000 as created_ms,
      greatest(0, extract(epoch from clock_timestamp() - created_at)::float8 * 1000) as age_ms,
      cancel_requested_at is not null as cancel_requested, previous_owner,
      (select metadata -> 'step' from sync_logs where id = sync_log_id) as step,
      (select metadata -> 'trigger' from sync_logs where id = sync_log_id) as trigger,
      (select metadata -> 'retry_of' from sync_logs where id = sync_log_id) as retry_of`;
  if (row === undefined) return undefined;
  const { state, isReadable } = parseCheckpoint(row.checkpoint);
  const claimed = claimedRun(row, owner, state);
  if (!isReadable) await restartRun(sql, claimed.lease, state);
  return claimed;
}

function claimedRun(row: ClaimedRow, owner: string, state: RunState): ClaimedRun {
  return {
    lease: {
      syncLogId: row.sync_log_id,
      organizationId: row.organization_id,
      owner,
      epoch: row.lease_epoch,
    },
    type: OperationType.parse(row.operation_type),
    kind: claimKind(row.attempt, row.previous_owner, owner),
    attempt: row.attempt,
    state,
    createdAt: new Date(row.created_ms),
    ageMs: row.age_ms,
    claimsWithoutProgress: row.fruitless_claims,
    cancelRequested: row.cancel_requested,
    step: SyncStep.safeParse(row.step).data ?? 'initializing',
    trigger: SyncTrigger.safeParse(row.trigger).data,
    retryOf: RowId.safeParse(row.retry_of).data,
  };
}

/**
 * Discards a checkpoint that another version wrote, with the ids that the run has seen: otherwise patients that count again would
 * be skipped, and the counts would be too low. Storing a patient twice is harmless.
 */
async function restartRun(sql: ISql, lease: Lease, state: RunState): Promise<void> {
  await sql`
    with restarted as (update sync_runs set checkpoint = ${JSON.stringify(state)}::text::jsonb
      where ${isOurs(sql, lease)} returning sync_log_id)
    delete from sync_seen using restarted where sync_seen.sync_log_id = restarted.sync_log_id`;
}

function claimKind(attempt: number, previousOwner: string | null, owner: string): ClaimKind {
  if (attempt === 1) return 'fresh';
  return previousOwner === null || previousOwner === owner ? 'resumed' : 'taken-over';
}

/** Locks the run until this transaction ends. @throws LeaseLostError when another worker has the run, or it has ended */
export async function assertLease(tx: ISql, lease: Lease): Promise<void> {
  const rows = await tx`
    select ${engineSettings(tx)} from sync_runs where ${isOurs(tx, lease)} for update`;
  if (rows.length === 0)
    throw new LeaseLostError(`Run ${lease.syncLogId} is no longer leased by this server.`);
}

/**
 * Columns of a statement of the engine that apply its settings to the transaction: the trigger does not notify, and Postgres
 * limits a wait for a lock, and ends a session that idles inside the transaction.
 */
export const engineSettings = (tx: ISql) => tx`${triggerNotifySuppressed(tx)},
  set_config('lock_timeout', ${LOCK_TIMEOUT}, true),
  set_config('idle_in_transaction_session_timeout', ${IDLE_IN_TRANSACTION}, true)`;

/** As above, in a transaction of a run. The log of patient changes names the run. */
export const runSettings = (tx: ISql, { syncLogId }: Pick<Lease, 'syncLogId'>) => tx`${engineSettings(tx)},
  set_config('patient_sync.run', ${String(syncLogId)}, true)`;

/**
 * A lease that expires later than any new lease would was written while the database's clock was ahead. It does not count: its
 * owner renews it or is gone.
 */
const isLeased = (sql: ISql) =>
  sql`lease_expires_at between clock_timestamp() and clock_timestamp() + ${LONGEST_LEASE}::interval`;

/** The epoch is compared too: a worker with an older epoch has lost the run, even when the owner is the same. */
export const isOurs = (tx: ISql, lease: Lease) => tx`
  sync_log_id = ${lease.syncLogId} and owner = ${lease.owner} and lease_epoch = ${lease.epoch} and ended_at is null`;

/**
 * The new values of the `sync_runs` row, in a statement or a transaction that has checked the lease.
 *
 * @param moved whether the run has progressed since this claim; it resets the count of claims without progress
 */
export const checkpointed = (tx: ISql, state: RunState, moved: boolean) => tx`
  checkpoint = ${JSON.stringify(state)}::text::jsonb,
  fruitless_claims = case when ${moved} then 0 else fruitless_claims end,
  lease_expires_at = clock_timestamp() + ${LEASE}::interval`;

/** @returns the leases that are lost */
export async function renewLeases(
  { sql }: Database,
  owner: string,
  leases: readonly Lease[],
): Promise<Lease[]> {
  if (leases.length === 0) return [];
  const ids = leases.map((lease) => lease.syncLogId);
  // Locked rows are skipped: while this statement waited, it would keep the rows of other clinics locked. Mostly our own
  // batch holds the lock, and a batch renews the lease itself.
  const rows = await sql<{ sync_log_id: number; lease_epoch: number }[]>`
    with free as (
      select sync_log_id as id from sync_runs
      where owner = ${owner} and ended_at is null and sync_log_id = any(${ids}::int[])
      for update skip locked),
    renewed as (
      update sync_runs set lease_expires_at = clock_timestamp() + ${LEASE}::interval
      from free where sync_log_id = free.id)
    select sync_log_id, lease_epoch from sync_runs
    where owner = ${owner} and ended_at is null and sync_log_id = any(${ids}::int[])`;
  const held = new Map(rows.map((row) => [row.sync_log_id, row.lease_epoch]));
  return leases.filter((lease) => held.get(lease.syncLogId) !== lease.epoch);
}

/** Releases a run, so that any worker can continue at once from its checkpoint. */
export async function releaseLease({ sql }: Database, lease: Lease): Promise<void> {
  // The worker released the run without a failure: this claim does not count against the run.
  await sql`update sync_runs set owner = null, lease_expires_at = null,
      fruitless_claims = greatest(fruitless_claims - 1, 0)
    where ${isOurs(sql, lease)}`;
}

/**
 * Takes an organization's open run from its worker. Pages that the worker has read but not stored are discarded. The next
 * worker reads them again, from the checkpoint.
 */
export async function revokeLeases(tx: ISql, organizationId: number): Promise<void> {
  // The run did not fail: this claim does not count against it.
  await tx`update sync_runs set lease_epoch = lease_epoch + 1, owner = null, lease_expires_at = null,
      fruitless_claims = greatest(fruitless_claims - 1, 0)
    where organization_id = ${organizationId} and ended_at is null and owner is not null`;
}
