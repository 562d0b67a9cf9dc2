/** Cancelling by sync id, and ending the rows that other programs left running. */
import type { Context, Hono } from 'hono';

import { ProblemError } from '../http/problem.ts';
import { cancelRun } from '../sync/cancel-run.ts';
import { endInterruptedRuns, forceEndForeignRun } from '../sync/stale-foreign-runs.ts';
import type { LegacyDeps } from './deps.ts';
import { progressStatus } from './progress.ts';
import { findBySyncId } from './progress-routes.ts';

export function addCancelRoutes(routes: Hono, deps: LegacyDeps): void {
  routes.delete('/api/v1/sync/cancel/:syncId', (c) => cancel(c, deps, { force: false }));
  routes.delete('/api/v1/sync/force-cancel/:syncId', (c) => cancel(c, deps, { force: true }));
  routes.post('/api/v1/sync/cleanup', async (c) => {
    const ended = await endInterruptedRuns(deps.database);
    return c.json({
      message: `Ended ${ended} ${ended === 1 ? 'sync' : 'syncs'} that other programs had left running.`,
      cleaned_syncs: ended,
      timestamp: new Date().toISOString(),
    });
  });
}

const ENDED = 'This sync has ended already.';

async function cancel(c: Context, deps: LegacyDeps, { force }: { force: boolean }): Promise<Response> {
  const log = await findBySyncId(c, deps);
  c.set('auditedRun', { organizationId: log.organization_id, syncLogId: log.id });
  const answer = (message: string, status: string) =>
    c.json({
      success: true,
      message,
      sync_id: c.req.param('syncId'),
      [force ? 'previous_status' : 'status']: status,
      timestamp: new Date().toISOString(),
    });
  const before = progressStatus(log);
  if (log.status !== 'running') return answer(`This sync has ended already (${before}).`, before);
  try {
    await cancelRun(deps, log.organization_id, log.id);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    if (error.code === 'ALREADY_ENDED') return answer(ENDED, before);
    if (!force || error.code !== 'NOT_OURS') throw error;
    if (!(await forceEndForeignRun(deps.database, log.id))) return answer(ENDED, before);
  }
  return answer('The sync was cancelled.', force ? before : 'cancelled');
}
