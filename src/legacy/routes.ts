/**
 * The routes of the service that this one replaces, for clients that cannot change yet.
 *
 * Adapters over the services of our own routes: no state, no table. Delete them, and their lines in server/app.ts and
 * access/route-policy.ts, when the last old client has gone; import/ belongs to a command.
 *
 * Not here: the fields that old clients read in a SyncLog (they belong to it, events/render.ts).
 */

import { Hono, type MiddlewareHandler } from 'hono';
import { readHead } from '../events/sync-logs.ts';
import { isRead } from '../http/is-read.ts';
import { type AnswerCache, createAnswerCache } from './answer-cache.ts';
import { addCancelRoutes } from './cancel-routes.ts';
import { addDashboardRoutes } from './dashboard-routes.ts';
import type { LegacyDeps } from './deps.ts';
import { addHealthRoute } from './health-route.ts';
import { addPatientRoutes } from './patient-routes.ts';
import { addProgressRoutes } from './progress-routes.ts';
import { addStartRoutes } from './start-routes.ts';
import { addStatusRoutes } from './status-routes.ts';
import { addTestConnectionRoute } from './test-connection.ts';

/** Of every route that is mounted after these. */
function forgetAfterWrites(answers: AnswerCache): MiddlewareHandler {
  return async (c, next) => {
    await next();
    const organizationId = c.get('organizationId');
    if (organizationId !== undefined && !isRead(c.req.method)) answers.forget(organizationId);
  };
}

export function legacyRoutes(deps: Omit<LegacyDeps, 'answers'>): Hono {
  const routes = new Hono();
  const all = {
    ...deps,
    answers: createAnswerCache(deps.latestRuns, (id) => readHead(deps.database.sql, id)),
  };
  routes.use('*', forgetAfterWrites(all.answers));
  addHealthRoute(routes, all);
  addStartRoutes(routes, all);
  addStatusRoutes(routes, all);
  addTestConnectionRoute(routes, all);
  addPatientRoutes(routes, all);
  addDashboardRoutes(routes, all);
  addProgressRoutes(routes, all);
  addCancelRoutes(routes, all);
  return routes;
}
