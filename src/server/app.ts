/** The HTTP surface: every route, and one handler for every error. */
import { type Context, Hono } from 'hono';
import { requestId } from 'hono/request-id';
import { auditActions } from '../access/audit-middleware.ts';
import { type AuthorizeDeps, authorize, recordRefusal } from '../access/authorize.ts';
import { allowOrigins } from '../access/cors.ts';
import { replayStarts } from '../access/idempotency.ts';
import { type OidcDeps, oidcRoutes } from '../access/oidc-routes.ts';
import { accessRoutes } from '../access/routes.ts';
import type { RowLevelSecurity } from '../access/row-level-security.ts';
import { refuseProxies, requireLoopbackHost, requireOwnOrigin } from '../access/same-origin.ts';
import { sessionRoutes } from '../access/session-routes.ts';
import type { StreamTokens } from '../access/stream-tokens.ts';
import { auditRoutes } from '../audit/routes.ts';
import { isDatabaseUnavailable } from '../database/transient-errors.ts';
import { erasureRoutes } from '../erasure/routes.ts';
import type { EventBus } from '../events/event-bus.ts';
import type { HistoryReads } from '../events/history-reads.ts';
import {
  limitAnswerTime,
  limitBody,
  refuseNulInAddress,
  requireHost,
  securityHeaders,
} from '../http/hardening.ts';
import type { NodeRoutes } from '../http/node-context.ts';
import { ProblemError, problemResponse } from '../http/problem.ts';
import { LEGACY_OPERATIONS } from '../legacy/operations.ts';
import { legacyRoutes } from '../legacy/routes.ts';
import { type SseRouteDeps, sseRoutes } from '../live/sse/sse-route.ts';
import type { WebSocketDeps } from '../live/websocket/websocket-connection.ts';
import { websocketRoutes } from '../live/websocket/websocket-route.ts';
import { watchRequests } from '../logging/request-log.ts';
import { safeError } from '../logging/safe-error.ts';
import type { Tracer } from '../logging/tracer.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { metricRoutes } from '../metrics/routes.ts';
import { OPERATIONS } from '../openapi/document.ts';
import { documentRoutes } from '../openapi/routes.ts';
import { operationRoutes } from '../operations/routes.ts';
import { pauseRoutes } from '../organizations/pause-routes.ts';
import { type OrganizationDeps, organizationRoutes } from '../organizations/routes.ts';
import { overviewRoutes } from '../overview/routes.ts';
import { patientListRoutes } from '../patients/routes.ts';
import { toCheckRoutes } from '../patients/to-check-routes.ts';
import { patientRoutes } from '../sync/patient-routes.ts';
import { syncRoutes } from '../sync/routes.ts';
import { type EndpointDeps, endpointRoutes } from '../webhooks/endpoint-routes.ts';
import { webhookRoutes } from '../webhooks/routes.ts';
import { createReadinessCheck, healthRoutes } from './health-routes.ts';
import { asksForPage, pageRoutes, unknownPage } from './page-routes.ts';
import { refuseUnknownFields } from './refuse-unknown-fields.ts';
import { programVersion } from './version.ts';

const BODY_AT_MOST = 64 * 1024;
const ANSWER_WITHIN_MS = 30_000;
const REQUEST_ID_AT_MOST = 64;

export interface AppDeps
  extends WebSocketDeps,
    SseRouteDeps,
    OrganizationDeps,
    EndpointDeps,
    AuthorizeDeps,
    OidcDeps {
  bus: EventBus;
  rowLevelSecurity: RowLevelSecurity;
  /** Reads of long histories, restricted like all reads of a request. */
  historyReads: HistoryReads;
  streamTokens: StreamTokens;
  metrics: Metrics;
  tracer: Tracer;
  allowedOrigins: readonly string[];
  /** Removed from requests before they arrive here; pages and documents name it. */
  basePath: string;
  isDraining: () => boolean;
  /** `CLINIKO_BASE_URL`; undefined: from the shard of each key. */
  clinikoBaseUrl: string | undefined;
  /** Database roles with rights that they should not have. */
  otherRoles: () => Promise<readonly string[]>;
}

export function createApp(deps: AppDeps): NodeRoutes {
  // A trailing slash means the same path without it.
  const app: NodeRoutes = new Hono({ strict: false });
  applyMiddleware(app, deps);
  mountRoutes(app, deps);
  refuseOtherMethods(app);
  app.notFound((c) => {
    if (asksForPage(c)) return unknownPage(c, deps.basePath);
    throw new ProblemError('NOT_FOUND', 'No resource has this address. The API begins at /api/v1.');
  });
  app.onError((error, c) => answerError(error, c, deps));
  return app;
}

const isStreamPath = (path: string): boolean =>
  ['/events', '/changes/stream', '/ws'].some((end) => path.endsWith(end));

/** In the order in which a request passes them: cheap refusals first, those that need the database later. */
function applyMiddleware(app: NodeRoutes, deps: AppDeps): void {
  const { logger, metrics, tracer } = deps;
  app.use(
    requestId({ limitLength: REQUEST_ID_AT_MOST }),
    securityHeaders(),
    watchRequests(logger, metrics.requestAnswered, tracer),
  );
  app.use(requireHost(), refuseNulInAddress());
  if (deps.authenticator === undefined) app.use(refuseProxies(), requireLoopbackHost());
  app.use(allowOrigins(deps.allowedOrigins), requireOwnOrigin(deps.allowedOrigins));
  app.use(limitBody(BODY_AT_MOST));
  app.use(limitAnswerTime(ANSWER_WITHIN_MS, isStreamPath));
  app.use(
    authorize(deps),
    refuseUnknownFields(OPERATIONS),
    replayStarts(deps.database),
    auditActions(deps.database),
    deps.rowLevelSecurity.restrictReads(),
  );
}

function mountRoutes(app: NodeRoutes, deps: AppDeps): void {
  const { bus, rowLevelSecurity } = deps;
  // Reads by a principal that holds only some organizations go through row-level security.
  const { database, endReads } = rowLevelSecurity;
  const restricted = { ...deps, database, endReads };
  const version = programVersion();
  const readiness = createReadinessCheck(
    database,
    bus,
    deps.isDraining,
    rowLevelSecurity.kind,
    deps.otherRoles,
  );
  const isReady = async () => (await readiness()).status === 'ready';
  // Before all others: it watches their writes.
  app.route('/', legacyRoutes({ ...restricted, latestRuns: deps.hub.latestRuns, version, isReady }));
  app.route('/', metricRoutes(deps.metrics));
  app.route('/', healthRoutes(readiness));
  app.route('/api/v1/cliniko', sseRoutes(deps));
  app.route('/api/v1/cliniko', websocketRoutes(deps));
  app.route(
    '/api/v1/cliniko',
    syncRoutes({ ...restricted, latestRuns: deps.hub.latestRuns, wholeDatabase: deps.database }),
  );
  app.route('/api/v1/cliniko', patientRoutes(restricted));
  app.route('/api/v1/cliniko', patientListRoutes(restricted));
  app.route('/api/v1/cliniko', toCheckRoutes(restricted));
  app.route('/api/v1/organizations', organizationRoutes({ ...restricted, wholeDatabase: deps.database }));
  app.route('/api/v1/organizations', erasureRoutes(restricted));
  app.route('/api/v1/organizations', webhookRoutes(restricted));
  app.route('/api/v1/webhooks', endpointRoutes(restricted));
  app.route('/api/v1', pauseRoutes(database));
  app.route('/api/v1', overviewRoutes({ database, wholeDatabase: deps.database }));
  app.route('/api/v1', operationRoutes(deps.database));
  app.route('/api/v1', accessRoutes(deps.streamTokens));
  app.route('/api/v1', sessionRoutes(deps));
  app.route('/api/v1', oidcRoutes(deps));
  app.route('/api/v1', auditRoutes(database));
  app.route('/', pageRoutes(deps.basePath));
  app.route('/', documentRoutes(version, LEGACY_OPERATIONS, deps.basePath));
}

/** A known path with another method is a 405 that names what it takes. */
function refuseOtherMethods(app: NodeRoutes): void {
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

async function answerError(error: Error, c: Context, deps: AppDeps): Promise<Response> {
  if (error instanceof ProblemError) {
    await recordRefusal(c, error, deps);
    return problemResponse(error);
  }
  // The client has disconnected in the middle of its body. Node's error looks like that of a lost database.
  const { incoming } = c.env;
  if (incoming.destroyed && !incoming.complete)
    return problemResponse(new ProblemError('REQUEST_INCOMPLETE', 'The request did not arrive in full.'));
  const request = { path: c.req.routePath, request_id: c.get('requestId') };
  deps.logger.error(
    { ...safeError(error), ...request },
    'A request failed; its response has this request_id',
  );
  if (isDatabaseUnavailable(error)) {
    const unavailable = new ProblemError(
      'DATABASE_UNAVAILABLE',
      'The database does not answer. Try again in a moment.',
    );
    return problemResponse(unavailable, { 'retry-after': '2' });
  }
  return problemResponse(
    new ProblemError('INTERNAL_ERROR', 'This is a fault of the server. See the server log.'),
  );
}
