/**
 * Cancels a run, through any server.
 *
 * The owner is notified first: it aborts its requests and ends the run itself, mostly within milliseconds. If it does not
 * (it is frozen or gone), the server that got the request takes the lease, which fences the owner, and ends the run.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ISql } from 'postgres';
import { SyncLog } from '#contract/sync-log.ts';
import type { Database } from '../database/open.ts';
import { retryTransaction } from '../database/retry-transaction.ts';
import { beginTerminatingBlockers } from '../database/terminate-blockers.ts';
import type { EventBus } from '../events/event-bus.ts';
import { suppressTriggerNotify } from '../events/suppress-trigger-notify.ts';
import { readSyncLogs } from '../events/sync-logs.ts';
import { ProblemError } from '../http/problem.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { CancelledError } from './failure.ts';
import { forceFailRun, metadataObject } from './force-fail-run.ts';
import { timestamp } from './sync-log-row.ts';

/** A cancelled run ends within a second. This delay leaves time for the round trips around it. */
const OWNER_HAS_MS = 500;

export interface CancelDeps {
  database: Database;
  bus: EventBus;
  logger: Logger;
}

/**
 * Resolves when the request is stored; the run ends within a second.
 *
 * @throws ProblemError ALREADY_ENDED, NOT_OURS
 */
export async function cancelRun(deps: CancelDeps, organizationId: number, syncLogId: number): Promise<void> {
  const { database } = deps;
  const run = await retryTransaction(() =>
    beginTerminatingBlockers(database.sql, (tx) => requestCancel(tx, syncLogId)),
  );
  if (run === undefined) throw await cancelProblem(database, organizationId, syncLogId);
  finishCancel(deps, organizationId, syncLogId, run);
}

/** Call it after the commit of a requested cancel: the owner ends the run, or this server does. */
export function finishCancel(
  deps: CancelDeps,
  organizationId: number,
  syncLogId: number,
  { owner }: CancelledRun,
): void {
  deps.bus.publish({ organizations: [organizationId], work: false, cancelled: [syncLogId] });
  // A run without an owner ends at once.
  const wait = owner === null ? 0 : OWNER_HAS_MS;
  delay(wait)
    .then(() => endForOwner(deps, organizationId, syncLogId))
    .catch((error: unknown) =>
      deps.logger.warn(
        safeError(error),
        'A cancelled run could not be ended; the next worker that claims it ends it',
      ),
    );
}

export interface CancelledRun {
  /** The worker that executes it; null while it is queued. */
  owner: string | null;
}

/**
 * Stores the request, so that a worker that claims the run later ends it too. Clients see the phase at once.
 *
 * @returns undefined when it is not a running run of ours
 */
export async function requestCancel(tx: ISql, syncLogId: number): Promise<CancelledRun | undefined> {
  await suppressTriggerNotify(tx);
  const [run] = await tx<CancelledRun[]>`
    update sync_runs set cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp())
    where sync_log_id = ${syncLogId} and ended_at is null
      and exists (select 1 from sync_logs where id = ${syncLogId} and status = 'running')
    returning owner`;
  if (run !== undefined) {
    await tx`update sync_logs set metadata = ${metadataObject(tx)}
      || jsonb_build_object('phase', 'cancelling', 'timestamp', ${timestamp(tx)})
      where id = ${syncLogId} and status = 'running'`;
  }
  return run;
}

/** @returns those of these runs that are to end: each has a request to cancel it, or was ended with its organization */
export async function findCancelled({ sql }: Database, syncLogIds: readonly number[]): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    select sync_log_id as id from sync_runs
    where sync_log_id = any(${syncLogIds as number[]}::int[])
      and (cancel_requested_at is not null or ended_at is not null)`;
  return rows.map(({ id }) => id);
}

async function cancelProblem(
  { sql }: Database,
  organizationId: number,
  syncLogId: number,
): Promise<ProblemError> {
  const { logs } = await readSyncLogs(sql, organizationId, { limit: 1, id: syncLogId });
  const ended = SyncLog.parse(JSON.parse(logs[0] ?? 'null')).status !== 'running';
  return ended
    ? new ProblemError('ALREADY_ENDED', 'This sync has ended already; there is nothing to cancel.')
    : new ProblemError('NOT_OURS', 'Another program runs this sync. Stop it where it was started.');
}

/** Ends a run that is still running. Pending writes of its owner are rejected. */
async function endForOwner(
  { database, bus }: CancelDeps,
  organizationId: number,
  syncLogId: number,
): Promise<void> {
  const ended = await retryTransaction(() =>
    beginTerminatingBlockers(database.sql, (tx) => forceFailRun(tx, syncLogId, new CancelledError())),
  );
  if (ended) bus.publish({ organizations: [organizationId], work: false });
}
