/** The old ways to start a sync, as adapters over `startRun`. All answer 200, also when a sync is running already. */
import type { Context, Hono } from 'hono';
import type { OperationType } from '#contract/sync-log.ts';
import { pathId, readId } from '../http/parameters.ts';
import { ProblemError } from '../http/problem.ts';
import type { LegacyDeps } from './deps.ts';
import { lenientFlag } from './query.ts';
import { parseLog } from './read-runs.ts';
import { requireAccess } from './require-access.ts';
import { startAudited } from './start.ts';

const MODES = ['incremental', 'comprehensive', 'basic', 'patients-only'] as const;
type Mode = (typeof MODES)[number];

export function addStartRoutes(routes: Hono, deps: LegacyDeps): void {
  const start = async (c: Context, type: OperationType) => {
    const { head, log } = await startAudited(c, deps, pathId(c, 'orgId'), type);
    return { ...head, log: parseLog(log) };
  };
  routes.post('/api/v1/cliniko/sync/:orgId', async (c) => {
    const mode = readMode(c.req.query('mode'));
    const forceFull = lenientFlag(c, 'force_full');
    const isIncremental = mode === 'incremental' && !forceFull;
    const started = await start(c, isIncremental ? 'changed_patients' : 'full_patients');
    const chosen = { sync_mode: mode, force_full: forceFull };
    return c.json({
      ...started,
      ...chosen,
      result: { ...chosen, recommendation: recommendation(isIncremental) },
    });
  });
  for (const path of ['/api/v1/cliniko/sync-comprehensive/:orgId', '/api/v1/cliniko/sync-simple/:orgId']) {
    routes.post(path, async (c) => c.json(await start(c, 'full_patients')));
  }
  routes.post('/api/v1/cliniko/sync/schedule/:orgId', (c) =>
    startShortly(c, deps, pathId(c, 'orgId'), 'sync_scheduled'),
  );
  routes.post('/api/v1/sync/trigger', (c) => {
    const organizationId = readId(c.req.header('x-organization-id'), 'x-organization-id');
    requireAccess(c, organizationId);
    return startShortly(c, deps, organizationId, 'sync_started');
  });
}

async function startShortly(
  c: Context,
  deps: LegacyDeps,
  organizationId: number,
  field: 'sync_scheduled' | 'sync_started',
): Promise<Response> {
  const { head } = await startAudited(c, deps, organizationId, 'full_patients');
  const { already_running: isRunning, message, timestamp } = head;
  return c.json({ organization_id: organizationId, [field]: !isRunning, message, timestamp });
}

function readMode(text = 'incremental'): Mode {
  const mode = MODES.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw new ProblemError('INVALID_PARAMETER', `"mode" must be one of ${MODES.join(', ')}.`, {
    field: 'mode',
  });
}

function recommendation(isIncremental: boolean): string {
  return isIncremental
    ? 'Reads what changed since the last complete sync. Use force_full=true to read everything.'
    : 'Reads all patients. Use mode=incremental for a shorter sync.';
}
