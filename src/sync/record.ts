/**
 * The public record of a run: its row in `sync_logs`. Every write is fenced by the lease, and the trigger on the table
 * turns it into an event.
 */
import type { ISql } from 'postgres';
import type { EngineMetadata } from '../contract/sync-log.ts';
import type { Database } from '../database/open.ts';
import { assertLease, type Lease, LeaseLostError } from './lease.ts';
import type { RunState } from './run-state.ts';

/** The row is gone, or no longer `running`, and it was not us. */
export class EndedElsewhereError extends LeaseLostError {}

/** Part of a batch's transaction. @throws EndedElsewhereError */
export async function writeProgress(
  tx: ISql,
  lease: Lease,
  state: RunState,
  metadata: EngineMetadata,
): Promise<void> {
  const rows = await tx`
    update sync_logs set ${counts(tx, state)}, metadata = ${JSON.stringify(metadata)}::text::jsonb
    where id = ${lease.syncLogId} and status = 'running' returning id`;
  if (rows.length === 0)
    throw new EndedElsewhereError(`Run ${lease.syncLogId} was ended by another program.`);
}

/** Progress that no batch brings: a new phase, a wait. */
export async function announce(
  { sql }: Database,
  lease: Lease,
  state: RunState,
  metadata: EngineMetadata,
): Promise<void> {
  await sql.begin(async (tx) => {
    await assertLease(tx, lease);
    await writeProgress(tx, lease, state, metadata);
  });
}

export type Ending =
  | { status: 'completed'; metadata: EngineMetadata }
  | { status: 'failed'; metadata: EngineMetadata; errorDetails: string };

/**
 * @param decide called in the transaction that ends the run, so that what it writes commits with the end
 * @throws LeaseLostError; nothing was written
 */
export async function endRun(
  { sql }: Database,
  lease: Lease,
  state: RunState,
  decide: (tx: ISql) => Promise<Ending>,
): Promise<Ending> {
  return await sql.begin(async (tx) => {
    await assertLease(tx, lease);
    const ending = await decide(tx);
    const details = ending.status === 'failed' ? ending.errorDetails : null;
    await tx`
      update sync_logs set status = ${ending.status}, ${counts(tx, state)}, error_details = ${details},
        completed_at = date_trunc('milliseconds', clock_timestamp() at time zone 'utc'),
        metadata = ${JSON.stringify(ending.metadata)}::text::jsonb
      where id = ${lease.syncLogId} and status = 'running'`;
    await tx`update sync_runs set ended_at = clock_timestamp(), owner = null,
        checkpoint = ${JSON.stringify(state)}::text::jsonb
      where sync_log_id = ${lease.syncLogId}`;
    await tx`delete from sync_seen where sync_log_id = ${lease.syncLogId}`;
    return ending;
  });
}

/** Ends our own record of a run whose public row somebody else has ended; otherwise it would be claimed again for ever. */
export async function abandonRun({ sql }: Database, lease: Lease): Promise<void> {
  await sql`update sync_runs set ended_at = clock_timestamp(), owner = null where sync_log_id = ${lease.syncLogId}`;
  await sql`delete from sync_seen where sync_log_id = ${lease.syncLogId}`;
}

function counts(tx: ISql, state: RunState) {
  return tx`records_processed = ${state.processed}, records_success = ${state.succeeded},
    records_failed = ${state.processed - state.succeeded}`;
}
