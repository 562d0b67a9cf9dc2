/** The HTTP surface: every route in its place, and one answer for whatever goes wrong. */
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { requireLoopbackHost, requireOwnOrigin } from './access/same-place.ts';
import type { EventBus } from './events/bus.ts';
import { healthRoutes } from './health.ts';
import { ProblemError, problemResponse } from './http/problem.ts';
import type { SocketTools } from './live/ops-socket.ts';
import { socketRoutes } from './live/socket-route.ts';
import { sseRoutes } from './live/sse-route.ts';
import { safeError } from './logging/safe-error.ts';
import { type OrganizationTools, organizationRoutes } from './organizations/routes.ts';
import { pageRoutes } from './pages.ts';
import { isDatabaseAway } from './sync/failure.ts';
import { patientRoutes } from './sync/patient-routes.ts';
import { syncRoutes } from './sync/routes.ts';

const BODY_AT_MOST = 64 * 1024;

export interface AppTools extends SocketTools, OrganizationTools {
  bus: EventBus;
  allowedOrigins: readonly string[];
  isDraining: () => boolean;
}

type App = Hono<{ Bindings: HttpBindings }>;

export function createApp(tools: AppTools): App {
  const { database, bus, logger } = tools;
  const app: App = new Hono();
  app.use(requireLoopbackHost(), requireOwnOrigin(tools.allowedOrigins));
  app.use(
    bodyLimit({
      maxSize: BODY_AT_MOST,
      onError: () => {
        throw new ProblemError('BODY_TOO_LARGE', `A body may have at most ${BODY_AT_MOST} bytes.`);
      },
    }),
  );
  app.route('/', healthRoutes(database, bus, tools.isDraining));
  app.route('/api/v1/cliniko', sseRoutes(tools));
  app.route('/api/v1/cliniko', socketRoutes(tools));
  app.route('/api/v1/cliniko', syncRoutes({ ...tools, newest: tools.feed.newest }));
  app.route('/api/v1/cliniko', patientRoutes(database));
  app.route('/api/v1/organizations', organizationRoutes(tools));
  app.route('/', pageRoutes());
  refuseOtherMethods(app);

  app.notFound(() => {
    throw new ProblemError('NOT_FOUND', 'There is nothing at this address. The API begins at /api/v1.');
  });
  app.onError((error, c) => {
    if (error instanceof ProblemError) return problemResponse(error);
    logger.error({ ...safeError(error), path: c.req.routePath }, 'A request failed');
    if (isDatabaseAway(error)) {
      const away = new ProblemError(
        'DATABASE_UNAVAILABLE',
        'The database does not answer. Try again in a moment.',
      );
      return problemResponse(away, { 'retry-after': '2' });
    }
    return problemResponse(
      new ProblemError('INTERNAL_ERROR', 'This is our fault. Look into the server log.'),
    );
  });
  return app;
}

/** A known path with another method is a 405 that names what it takes. */
function refuseOtherMethods(app: App): void {
  const methods = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    if (method === 'ALL') continue;
    methods.set(path, (methods.get(path) ?? new Set()).add(method));
  }
  for (const [path, known] of methods) {
    const allow = [...known, ...(known.has('GET') ? ['HEAD'] : [])].sort().join(', ');
    app.all(path, () =>
      problemResponse(new ProblemError('METHOD_NOT_ALLOWED', `This address takes ${allow}.`), { allow }),
    );
  }
}
