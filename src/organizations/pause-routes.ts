/** `/api/v1/pause`: whether everything is paused. For administrators of all organizations. */
import { Hono } from 'hono';
import { PauseRequest } from '#contract/pause.ts';
import type { Database } from '../database/open.ts';
import { jsonBody } from '../http/parameters.ts';
import { accountName, auditOrigin, principalOf } from '../http/principal.ts';
import { readPause, setPause } from './pause.ts';

export function pauseRoutes(database: Database): Hono {
  const routes = new Hono();
  routes.get('/pause', async (c) => c.json(await readPause(database.sql)));
  routes.put('/pause', async (c) =>
    c.json(
      await setPause(
        database.sql,
        await jsonBody(c, PauseRequest),
        auditOrigin(c),
        accountName(principalOf(c)),
      ),
    ),
  );
  return routes;
}
