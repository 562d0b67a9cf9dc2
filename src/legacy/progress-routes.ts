/** The old progress API below `/api/v1/sync`. Its sync ids are derived from `sync_logs` (sync-id.ts). */
import type { Context, Hono } from 'hono';
import { stepText } from '#contract/progress.ts';
import type { OperationType, SyncLog } from '#contract/sync-log.ts';
import { eventIsOf } from '../events/run-row.ts';
import { readSyncLogs } from '../events/sync-logs.ts';
import { pathId } from '../http/parameters.ts';
import { principalOf } from '../http/principal.ts';
import { ProblemError } from '../http/problem.ts';
import type { LegacyDeps } from './deps.ts';
import { progressStatus, toProgress, wholePercentage } from './progress.ts';
import { lenientNumber } from './query.ts';
import { parseLog, readActiveRuns, readRecentRuns, readRunTotals, readSyncIds } from './read-runs.ts';
import { requireAccess } from './require-access.ts';
import { startAudited } from './start.ts';
import { findSyncLogId, parseSyncId } from './sync-id.ts';

const MODES: Record<string, OperationType> = {
  full: 'full_patients',
  comprehensive: 'full_patients',
  active: 'active_patients',
  incremental: 'changed_patients',
  quick: 'changed_patients',
};

export function addProgressRoutes(routes: Hono, deps: LegacyDeps): void {
  const { database, answers } = deps;
  routes.post('/api/v1/sync/start/:orgId', (c) => start(c, deps));
  routes.get('/api/v1/sync/status/organization/:orgId', (c) => {
    const organizationId = pathId(c, 'orgId');
    return answers.answer(c, organizationId, async () => {
      const { logs } = await readSyncLogs(database.sql, organizationId, { limit: 1 });
      const [latest] = logs.map(parseLog);
      if (latest !== undefined) return progressOf(deps, latest);
      const message = 'No sync of this organization was found.';
      return { organization_id: organizationId, status: 'no_sync_found', message };
    });
  });
  for (const path of ['/api/v1/sync/status/:syncId', '/api/v1/sync/progress/:syncId']) {
    routes.get(path, async (c) => c.json(await progressOf(deps, await findBySyncId(c, deps))));
  }
  routes.get('/api/v1/sync/history/:orgId', (c) => {
    const organizationId = pathId(c, 'orgId');
    const limit = lenientNumber(c, 'limit', { fallback: 10, min: 1, max: 100 });
    return answers.answer(c, organizationId, () => readHistory(deps, organizationId, limit));
  });
  routes.get('/api/v1/sync/active', async (c) => c.json(await listActive(c, deps)));
}

async function start(c: Context, deps: LegacyDeps): Promise<Response> {
  const organizationId = pathId(c, 'orgId');
  const mode = c.req.query('sync_mode') ?? 'active';
  const type = Object.hasOwn(MODES, mode) ? MODES[mode] : undefined;
  if (type === undefined) {
    throw new ProblemError('UNPROCESSABLE', `"sync_mode" must be one of ${Object.keys(MODES).join(', ')}.`, {
      field: 'sync_mode',
    });
  }
  const { head, log: rendered } = await startAudited(c, deps, organizationId, type);
  const { already_running: isRunning, message } = head;
  const log = parseLog(rendered);
  const syncId = await syncIdOf(deps, log);
  if (isRunning) {
    return c.json({
      message,
      sync_id: syncId,
      status: progressStatus(log),
      progress_percentage: wholePercentage(log),
    });
  }
  return c.json({
    message,
    sync_id: syncId,
    sync_mode: mode,
    organization_id: organizationId,
    started_at: log.started_at,
    status: 'starting',
  });
}

const progressOf = async (deps: LegacyDeps, log: SyncLog) =>
  toProgress(log, await syncIdOf(deps, log), await readStepBeforeEnd(deps, log));

/** @returns undefined for a run that has not failed, and once its events are older than the history */
async function readStepBeforeEnd(
  { database }: LegacyDeps,
  { id, organization_id, status }: SyncLog,
): Promise<string | undefined> {
  if (status !== 'failed') return undefined;
  const [event] = await database.sql<{ step: string | null }[]>`
    select row #>> '{metadata,step}' as step from sync_events
    where sync_log_id = ${id} and ${eventIsOf(database.sql, organization_id)} and type in ('started', 'progress')
    order by seq desc limit 1`;
  return event?.step ?? undefined;
}

async function syncIdOf({ database }: LegacyDeps, log: SyncLog): Promise<string> {
  return (await readSyncIds(database.sql, [log])).get(log.id) ?? '';
}

/**
 * The path names its organization inside the sync id, so access is checked here.
 *
 * @throws ProblemError FORBIDDEN, SYNC_LOG_NOT_FOUND
 */
export async function findBySyncId(c: Context, { database }: LegacyDeps): Promise<SyncLog> {
  const text = c.req.param('syncId') ?? '';
  const parts = parseSyncId(text);
  if (parts === undefined) throw unknownSyncId();
  requireAccess(c, parts.organizationId);
  const id = await findSyncLogId(database.sql, parts);
  if (id === undefined) throw unknownSyncId();
  const { logs } = await readSyncLogs(database.sql, parts.organizationId, { limit: 1, id });
  const [log] = logs.map(parseLog);
  if (log === undefined) throw unknownSyncId();
  return log;
}

function unknownSyncId(): ProblemError {
  return new ProblemError(
    'SYNC_LOG_NOT_FOUND',
    'There is no sync with this id. GET /api/v1/sync/history/:orgId lists them.',
  );
}

async function readHistory({ database }: LegacyDeps, organizationId: number, limit: number) {
  const [{ logs, latestCompleted }, totals] = await Promise.all([
    readRecentRuns(database.sql, organizationId, limit),
    readRunTotals(database.sql, organizationId),
  ]);
  return {
    organization_id: organizationId,
    total_syncs: totals.total,
    successful_syncs: totals.successful,
    failed_syncs: totals.failed,
    last_sync_at: logs[0]?.started_at ?? null,
    last_successful_sync_at: latestCompleted?.completed_at ?? null,
    average_sync_duration_seconds: totals.averageSeconds,
    recent_syncs: logs,
    sync_history: logs,
  };
}

async function listActive(c: Context, { database }: LegacyDeps) {
  const logs = await readActiveRuns(database.sql, principalOf(c).organizations);
  const ids = await readSyncIds(database.sql, logs);
  const active = logs.map((log) => ({
    sync_id: ids.get(log.id),
    organization_id: log.organization_id,
    status: progressStatus(log),
    progress_percentage: wholePercentage(log),
    current_step: stepText(log),
    started_at: log.started_at,
  }));
  return { active_syncs: active, total_active: active.length };
}
