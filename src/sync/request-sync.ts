/**
 * Starts a sync for a request, or joins the running one, and returns the response.
 *
 * Used by the routes of this server and by those of the old service (legacy/).
 */
import { type OperationType, type StartedSync, SyncLog, type SyncTrigger } from '#contract/sync-log.ts';
import type { LatestRunCache } from '../events/latest-run-cache.ts';
import { readSyncLogs } from '../events/sync-logs.ts';
import type { Principal } from '../http/principal.ts';
import { organizationNotFound, ProblemError } from '../http/problem.ts';
import { deletedIsNotFound } from '../organizations/not-found.ts';
import { findOrganization } from '../organizations/organizations.ts';
import type { CancelDeps } from './cancel-run.ts';
import { startRun } from './start-run.ts';

export interface StartDeps extends Pick<CancelDeps, 'database' | 'bus'> {
  latestRuns: LatestRunCache;
}

export interface StartedAnswer {
  /** The response without its log. */
  head: Omit<StartedSync, 'log'>;
  /** The rendered log. */
  log: string;
}

/** @throws ProblemError ORGANIZATION_NOT_FOUND */
export async function requestSync(
  { database, bus, latestRuns }: StartDeps,
  principal: Principal,
  organizationId: number,
  type: OperationType,
): Promise<StartedAnswer> {
  if ((await findOrganization(database, organizationId)) === undefined)
    throw organizationNotFound(organizationId);
  const { syncLogId, created } = await startRun(database, organizationId, type, {
    trigger: triggerOf(principal),
  }).catch((error: unknown) => deletedIsNotFound(organizationId, error));
  const page = await readSyncLogs(database.sql, organizationId, { limit: 1, id: syncLogId });
  latestRuns.observe(organizationId, page);
  // Published only now, so that the response shows the run in its initial state, before a worker changes it.
  if (created) bus.publish({ organizations: [organizationId], work: true });
  const [log] = page.logs;
  if (log === undefined) throw syncLogNotFound(syncLogId);
  const { operation_type, status } = SyncLog.parse(JSON.parse(log));
  const head = {
    success: true as const,
    message: startMessage(operation_type, created),
    sync_log_id: syncLogId,
    organization_id: organizationId,
    operation_type,
    status,
    already_running: !created,
    result: null,
    timestamp: new Date().toISOString(),
  };
  return { head, log };
}

export function syncLogNotFound(id: number): ProblemError {
  return new ProblemError(
    'SYNC_LOG_NOT_FOUND',
    `This organization has no sync log ${id}. List them with GET /api/v1/cliniko/sync-logs/:orgId.`,
  );
}

/** @param operation of a running run, which another program may have named */
function startMessage(operation: string, created: boolean): string {
  return created ? `The sync (${operation}) was started.` : `A sync (${operation}) is already in progress.`;
}

/** What the runs of this account record as their trigger. */
export function triggerOf({ actor, name = actor }: Principal): SyncTrigger {
  if (actor.startsWith('token:')) return { kind: 'token', name };
  return actor === 'anyone' ? { kind: 'person' } : { kind: 'person', name: actor.replace(/^jwt:/, '') };
}
