/**
 * The public record of a run: its row in `sync_logs`. The lease fences every write, and the trigger on the table turns each
 * write into an event.
 */
import type { ISql } from 'postgres';
import type { EngineMetadata } from '#contract/sync-log.ts';
import { isoTime } from '../database/iso-time.ts';
import type { Database } from '../database/open.ts';
import { databaseError } from '../logging/safe-error.ts';
import { type RejectedRecord, releasedFromQuarantine } from '../patients/quarantine.ts';
import { runExclusively } from './exclusive-transaction.ts';
import { assertLease, checkpointed, isOurs, type Lease, LeaseLostError, runSettings } from './lease.ts';
import type { RunState } from './run-state.ts';

/** Another program deleted the row or ended the run. */
export class EndedElsewhereError extends LeaseLostError {}

/** What a batch stores besides its patients. */
export interface BatchRecord {
  /** The state that the run has stored before this batch. */
  before: RunState;
  state: RunState;
  metadata: EngineMetadata;
  /** Whether the run has progressed since its claim. */
  moved: boolean;
  /** Keys of records that no earlier batch of this run has counted. */
  newKeys: readonly string[];
  /** Ids of the patients that are stored now: they are released from quarantine. */
  stored: readonly string[];
  /** Records that the next statement quarantines. */
  rejected: readonly RejectedRecord[];
}

/**
 * Writes fence, public row, checkpoint and ids in one statement. So they are atomic even without an explicit transaction, and
 * the next batch waits for one round trip only. A COMMIT may be sent behind it, because the statement fails when the lease is
 * lost. Not `async`: an error while the statement is made must keep the caller from sending that COMMIT.
 *
 * @returns rejects with a PostgresError; `isRefused` tells whether the lease is lost or the run has ended. Nothing was written
 */
export function recordBatch(tx: ISql, lease: Lease, batch: BatchRecord): Promise<void> {
  // `execute` sends it now, and not when the result is awaited.
  const recorded = tx`
    with fence as (${fence(tx, lease, batch.before)}),
    counted as (insert into sync_seen (sync_log_id, cliniko_patient_ids)
      select sync_log_id, ids from fence, (select ${batch.newKeys as string[]}::text[] as ids) as fresh
      where ids <> '{}'),
    released as (${releasedFromQuarantine(tx, lease.organizationId, batch, tx`exists (select from fence)`)}),
    saved as (update sync_runs as run set ${checkpointed(tx, batch.state, batch.moved)} from fence
      where run.sync_log_id = fence.sync_log_id),
    recorded as (${progress(tx, batch.state, batch.metadata)})
    select coalesce((select id from recorded), run_record_refused())`.execute();
  return recorded.then(() => {});
}

/** Whether `recordBatch` failed because the lease is lost, or because another program has ended the run. */
export const isRefused = (error: unknown): boolean => databaseError(error)?.code === 'PSR01';

/**
 * Writes progress that no batch records: a new phase, a wait.
 *
 * @param state that the run has stored
 * @throws LeaseLostError, EndedElsewhereError
 */
export async function publishProgress(
  { sql }: Database,
  lease: Lease,
  state: RunState,
  metadata: EngineMetadata,
): Promise<void> {
  const rows = await sql`with fence as (${fence(sql, lease, state)}) ${progress(sql, state, metadata)}`;
  if (rows.length === 0) await throwFenced(sql, lease);
}

/**
 * Locks the run and its public row. Returns one row if the lease is valid, the public row is still `running`, and the database holds
 * the state that the run has stored: the worker would continue behind batches that a failover has lost.
 */
const fence = (tx: ISql, lease: Lease, { databaseOperations }: RunState) => tx<{ is_cancelled: boolean }[]>`
  select sync_log_id, cancel_requested_at is not null as is_cancelled, ${runSettings(tx, lease)}
  from sync_runs join sync_logs on sync_logs.id = sync_log_id
  where ${isOurs(tx, lease)} and status = 'running'
    and coalesce((checkpoint ->> 'databaseOperations')::int, 0) = ${databaseOperations} for update`;

const progress = (tx: ISql, state: RunState, metadata: EngineMetadata) => tx`
  update sync_logs set ${counts(tx, state)}, metadata = ${stamped(tx, metadata)} from fence
  where id = fence.sync_log_id returning id`;

/** @throws LeaseLostError, EndedElsewhereError */
export async function throwFenced(tx: ISql, lease: Lease): Promise<never> {
  const { syncLogId } = lease;
  await assertLease(tx, lease);
  const running = await tx`select from sync_logs where id = ${syncLogId} and status = 'running'`;
  if (running.length > 0)
    throw new LeaseLostError(`The database holds another state of run ${syncLogId} than this worker.`);
  throw new EndedElsewhereError(`Run ${syncLogId} was ended by another program.`);
}

export type Ending =
  | { status: 'completed'; metadata: EngineMetadata }
  | { status: 'failed'; metadata: EngineMetadata; errorDetails: string };

/**
 * Locks the organization exclusively, so no quarantine retry and no fenced worker writes the rows that `decide` marks at the
 * same time.
 *
 * @param decide called in the transaction that ends the run, so that its writes commit with the end, with whether the run was
 *   cancelled before; called again after a lock conflict
 * @throws LeaseLostError, EndedElsewhereError; nothing was written
 */
export async function endRunRow(
  { sql }: Database,
  lease: Lease,
  state: RunState,
  decide: (tx: ISql, isCancelled: boolean) => Promise<Ending>,
): Promise<void> {
  await runExclusively(sql, lease.organizationId, async (tx) => {
    const [held] = await fence(tx, lease, state);
    if (held === undefined) return await throwFenced(tx, lease);
    const ending = await decide(tx, held.is_cancelled);
    const details = ending.status === 'failed' ? ending.errorDetails : null;
    await tx`
      update sync_logs set status = ${ending.status}, ${finalCounts(tx, state, ending)}, error_details = ${details},
        completed_at = ${endTime(tx)},
        metadata = ${stamped(tx, ending.metadata)}
      where id = ${lease.syncLogId}`;
    await tx`update sync_runs set ended_at = clock_timestamp(), owner = null,
        checkpoint = ${JSON.stringify(state)}::text::jsonb
      where sync_log_id = ${lease.syncLogId}`;
    await tx`delete from sync_seen where sync_log_id = ${lease.syncLogId}`;
  });
}

/** Ends our own record of a run whose public row another program has ended. Otherwise workers would claim it forever. */
export async function closeRunRow({ sql }: Database, lease: Lease): Promise<void> {
  await sql`
    with ended as (update sync_runs set ended_at = clock_timestamp(), owner = null
      where ${isOurs(sql, lease)} returning sync_log_id)
    delete from sync_seen using ended where sync_seen.sync_log_id = ended.sync_log_id`;
}

/** The metadata with the timestamp of the change, by the database's clock. */
export const stamped = (tx: ISql, metadata: EngineMetadata) => tx`(${JSON.stringify(metadata)}::text::jsonb
  || jsonb_build_object('timestamp', ${timestamp(tx)}))`;

/** The current time as `sync_logs` holds it: UTC without a zone, in milliseconds. */
export const utcNow = (tx: ISql) => tx`date_trunc('milliseconds', clock_timestamp() at time zone 'utc')`;

/** The end of a run that ends now. No run ends before its start, which another clock or another program may have written ahead. */
export const endTime = (tx: ISql) => tx`greatest(started_at, ${utcNow(tx)})`;

/** The current time by the database's clock. */
export const timestamp = (tx: ISql) => isoTime(tx, tx`clock_timestamp()`);

/**
 * A completed run that read no patient has NULL counters: the queries of the monitoring guide divide by them, and a share of
 * zero patients is unknown. Readers treat NULL as 0.
 */
function finalCounts(tx: ISql, state: RunState, { status }: Ending) {
  if (status === 'failed' || state.processed > 0) return counts(tx, state);
  return tx`records_processed = null, records_success = null, records_failed = null`;
}

function counts(tx: ISql, state: RunState) {
  return tx`records_processed = ${state.processed}, records_success = ${state.succeeded},
    records_failed = ${state.processed - state.succeeded}`;
}
