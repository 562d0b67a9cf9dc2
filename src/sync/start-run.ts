/**
 * Starts a run, or joins the running one.
 *
 * The partial unique index on `sync_logs` decides, so an organization never has two runs at once, however many servers
 * and callers ask. A row of another program counts whatever its word for running is.
 */
import type { ISql } from 'postgres';
import type { OperationType, SyncTrigger } from '#contract/sync-log.ts';
import type { Database } from '../database/open.ts';
import { retryWithFreeRunId } from '../database/sequences.ts';
import { suppressTriggerNotify } from '../events/suppress-trigger-notify.ts';
import { shareOrganization } from '../organizations/organization-lock.ts';
import { runningMetadata } from './metadata.ts';
import { NO_ESTIMATE } from './remaining-time.ts';
import { INITIAL_STATE } from './run-state.ts';
import { stamped, utcNow } from './sync-log-row.ts';

export interface StartedRun {
  syncLogId: number;
  /** False when a run was already running, ours or another program's. */
  created: boolean;
}

/** Why a run exists. */
export interface RunOrigin {
  trigger?: SyncTrigger;
  /** The failed run that this one tries again. */
  retryOf?: number;
}

/** `sync_logs` takes no row: a trigger or rule that another program has added since the start drops it. */
class RunNotStoredError extends Error {
  override readonly name = 'RunNotStoredError';
}

/** Each is a run that started and ended between two statements. */
const ATTEMPTS = 20;

/**
 * The new row is committed when this resolves.
 *
 * @throws OrganizationDeletedError when the organization is not registered
 * @throws RunNotStoredError
 */
export async function startRun(
  { sql }: Database,
  organizationId: number,
  type: OperationType,
  origin: RunOrigin = {},
): Promise<StartedRun> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    // For our own runs this query only saves an id of the sequence: the index decides.
    const running = await findRunning(sql, organizationId);
    if (running !== undefined) return { syncLogId: running.id, created: false };
    const begin = () =>
      sql.begin(async (tx) => {
        // A deletion of the organization either commits before this run, or sees the run and ends it.
        await shareOrganization(tx, organizationId);
        return await createRun(tx, organizationId, type, origin);
      });
    const created = await retryWithFreeRunId(sql, begin);
    if (created !== undefined) return { syncLogId: created, created: true };
    // Another run started between the two statements: join it, unless it has already ended.
  }
  throw new RunNotStoredError();
}

/** A run that reads as running: another program may have its own word for it. */
export async function findRunning(
  sql: ISql,
  organizationId: number,
): Promise<{ id: number; operation: string } | undefined> {
  const [running] = await sql<{ id: number; operation: string }[]>`
    select id, operation_type as operation from sync_logs
    where organization_id = ${organizationId} and sync_status_word(status) = 'running' order by id desc limit 1`;
  return running;
}

/** Requires a transaction that locks or shares the organization. @returns the run's id; undefined when another run is running */
export async function createRun(
  tx: ISql,
  organizationId: number,
  type: OperationType,
  { trigger, retryOf }: RunOrigin,
): Promise<number | undefined> {
  const metadata = runningMetadata(INITIAL_STATE, {
    type,
    attempt: 0,
    phase: 'queued',
    step: 'initializing',
    loaded: 0,
    trigger,
    retryOf,
    remainingTime: NO_ESTIMATE,
  });
  if ((await findRunning(tx, organizationId)) !== undefined) return undefined;
  await suppressTriggerNotify(tx);
  const [row] = await tx<{ id: number }[]>`
    insert into sync_logs (organization_id, operation_type, status, started_at, metadata)
    values (${organizationId}, ${type}, 'running', ${utcNow(tx)},
      ${stamped(tx, metadata)} || jsonb_build_object('queue_position', (
        select count(*) + 1 from sync_runs where owner is null and ended_at is null)))
    on conflict (organization_id) where status = 'running' do nothing
    returning id`;
  if (row === undefined) return undefined;
  // Another program may have emptied sync_logs and restarted its ids, so rows of an old run may exist under this id.
  await tx`delete from sync_runs where sync_log_id = ${row.id}`;
  await tx`delete from sync_seen where sync_log_id = ${row.id}`;
  await tx`insert into sync_runs (sync_log_id, organization_id, operation_type)
    values (${row.id}, ${organizationId}, ${type})`;
  return row.id;
}
