/** What dashboards ask for beside the runs: totals, quarantine, analytics. Here because the totals name the last run. */
import { Hono } from 'hono';
import type { Database } from '../database/open.ts';
import { readAnalytics } from '../events/analytics.ts';
import { readSyncLogs } from '../events/sync-logs.ts';
import { pathId } from '../http/parameters.ts';
import { listQuarantine } from '../patients/quarantine.ts';
import { countPatients } from '../patients/summary.ts';

export function patientRoutes(database: Database): Hono {
  const routes = new Hono();

  routes.get('/patients/:orgId/summary', async (c) => {
    const organizationId = pathId(c, 'orgId');
    const [counts, { logs }] = await Promise.all([
      countPatients(database.sql, organizationId),
      readSyncLogs(database.sql, organizationId, { limit: 1, status: 'completed' }),
    ]);
    const body = `${JSON.stringify(counts).slice(0, -1)},"last_completed_sync":${logs[0] ?? 'null'}}`;
    return c.body(body, 200, { 'content-type': 'application/json', 'cache-control': 'private, no-cache' });
  });

  routes.get('/quarantine/:orgId', async (c) => {
    const organizationId = pathId(c, 'orgId');
    return c.json(await listQuarantine(database, organizationId), 200, {
      'cache-control': 'private, no-cache',
    });
  });

  routes.get('/analytics/:orgId', async (c) => {
    return c.json(await readAnalytics(database.sql, pathId(c, 'orgId')));
  });

  return routes;
}
