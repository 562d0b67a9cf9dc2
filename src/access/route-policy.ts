/**
 * What each route requires. A route that is missing here is closed, not open.
 *
 * A route with `:orgId` requires a token that holds that organization. A route without it requires a token that holds all,
 * unless it is listed as self-filtering. Reads require `read`, writes require `admin`, unless listed otherwise.
 */
import type { Context } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { AuditAction } from '../audit/append.ts';
import type { Scope } from '../http/principal.ts';
import {
  LEGACY_AUDIT_ACTIONS,
  LEGACY_PUBLIC,
  LEGACY_SCOPES,
  LEGACY_SELF_FILTERING,
  LEGACY_STARTS,
} from '../legacy/route-rules.ts';

/** Routes without organization data: pages, API descriptions, health checks. */
const PUBLIC_ROUTES = new Set([
  '/',
  '/ops',
  '/notifications',
  '/assets/*',
  '/embed/sync-progress.js',
  '/docs',
  '/docs/docs.css',
  '/openapi.json',
  '/asyncapi.json',
  '/healthz',
  '/readyz',
  '/sign-in',
  // They sign people in: the routes check the code of the link, or the answer of the identity provider.
  '/api/v1/sign-in',
  '/api/v1/sign-in/oidc',
  '/api/v1/sign-in/oidc/callback',
  ...LEGACY_PUBLIC,
]);

/** Routes without `:orgId` that return to each token only what it holds. */
const SELF_FILTERING_ROUTES = new Set([
  'GET /api/v1/organizations',
  'GET /api/v1/cliniko/ws',
  'POST /api/v1/stream-tokens',
  'GET /api/v1/audit',
  'GET /api/v1/overview',
  'GET /api/v1/runs',
  'GET /api/v1/webhooks',
  'POST /api/v1/webhooks',
  'GET /api/v1/webhooks/:id',
  'PUT /api/v1/webhooks/:id',
  'DELETE /api/v1/webhooks/:id',
  'POST /api/v1/webhooks/:id/test',
  'GET /api/v1/webhooks/:id/deliveries',
  'POST /api/v1/webhooks/:id/deliveries/:deliveryId/redeliver',
  'POST /api/v1/operations',
  'GET /api/v1/operations/:id',
  'POST /api/v1/operations/:id/cancel',
  'GET /api/v1/account',
  'POST /api/v1/sign-out',
  ...LEGACY_SELF_FILTERING,
]);

const ROUTE_SCOPES: Record<string, Scope> = {
  ...LEGACY_SCOPES,
  'POST /api/v1/cliniko/sync-all/:orgId': 'sync',
  'POST /api/v1/cliniko/sync-active/:orgId': 'sync',
  'POST /api/v1/cliniko/sync-changed/:orgId': 'sync',
  'POST /api/v1/cliniko/sync-logs/:orgId/:id/cancel': 'sync',
  'POST /api/v1/cliniko/quarantine/:orgId/retry': 'sync',
  // These two require `admin` for some actions (operations/routes.ts).
  'POST /api/v1/operations': 'sync',
  'POST /api/v1/operations/:id/cancel': 'sync',
  'POST /api/v1/stream-tokens': 'read',
  'POST /api/v1/sign-out': 'read',
  'GET /api/v1/audit': 'admin',
  'GET /api/v1/pause': 'admin',
  'GET /api/v1/webhooks': 'admin',
  'GET /api/v1/webhooks/:id': 'admin',
  'GET /api/v1/webhooks/:id/deliveries': 'admin',
};

/** The action in the audit log; any other write is `api.write`. Routes that write their own entry are `null`. */
const AUDIT_ACTIONS: Record<string, AuditAction | null> = {
  ...LEGACY_AUDIT_ACTIONS,
  'GET /api/v1/cliniko/patients/:orgId': 'patients.read',
  'POST /api/v1/cliniko/sync-all/:orgId': 'sync.start',
  'POST /api/v1/cliniko/sync-active/:orgId': 'sync.start',
  'POST /api/v1/cliniko/sync-changed/:orgId': 'sync.start',
  'POST /api/v1/cliniko/sync-logs/:orgId/:id/cancel': 'sync.cancel',
  'PUT /api/v1/organizations/:orgId': 'organization.change',
  'DELETE /api/v1/organizations/:orgId': null,
  'PUT /api/v1/organizations/:orgId/cliniko-credentials': 'credentials.change',
  'POST /api/v1/organizations/:orgId/cliniko-credentials/verify': 'credentials.verify',
  'POST /api/v1/organizations/:orgId/webhooks': null,
  'DELETE /api/v1/organizations/:orgId/webhooks/:id': null,
  'POST /api/v1/webhooks': null,
  'PUT /api/v1/webhooks/:id': null,
  'DELETE /api/v1/webhooks/:id': null,
  'POST /api/v1/webhooks/:id/test': null,
  'POST /api/v1/webhooks/:id/deliveries/:deliveryId/redeliver': null,
  'GET /api/v1/cliniko/quarantine/:orgId': 'quarantine.read',
  'POST /api/v1/cliniko/quarantine/:orgId/retry': 'quarantine.retry',
  'GET /api/v1/cliniko/patients/:orgId/to-check/:reason': 'quarantine.read',
  'POST /api/v1/cliniko/patients/:orgId/missing/confirm': null,
  'POST /api/v1/cliniko/patients/:orgId/missing/release': null,
  'GET /api/v1/cliniko/sync-logs/:orgId/events': 'stream.open',
  'GET /api/v1/cliniko/patients/:orgId/changes/stream': 'stream.open',
  'GET /api/v1/cliniko/ws': 'stream.open',
  'POST /api/v1/stream-tokens': 'stream-token.create',
  'GET /api/v1/audit': 'audit.read',
  'PUT /api/v1/pause': null,
  'POST /api/v1/operations': null,
  'POST /api/v1/operations/:id/cancel': null,
  'POST /api/v1/sign-out': null,
};

/** Reads that list patients only as CSV; their JSON, which pages poll, counts them. */
const CSV_AUDIT_ACTIONS: Record<string, AuditAction> = {
  'GET /api/v1/cliniko/patients/:orgId/to-check': 'quarantine.read',
};

const STREAM_ROUTES = new Set([
  'GET /api/v1/cliniko/sync-logs/:orgId/events',
  'GET /api/v1/cliniko/patients/:orgId/changes/stream',
  'GET /api/v1/cliniko/ws',
]);
const START_ROUTES = /^POST \/api\/v1\/(cliniko\/sync-(all|active|changed)\/:orgId|operations)$/;

export interface Requirement {
  /** The pattern, such as `GET /api/v1/cliniko/sync-logs/:orgId`: contains nothing that the client sent. */
  route: string;
  isPublic: boolean;
  /** The path segment that names the organization. */
  organizationSegment: number | undefined;
  needsAllOrganizations: boolean;
  scope: Scope;
  isStream: boolean;
  startsSync: boolean;
  audit: AuditAction | null;
}

declare module 'hono' {
  interface ContextVariableMap {
    requirement: Requirement;
    /** The organization in the path, which the principal holds. */
    organizationId: number | undefined;
  }
}

/** The policy of the route that handles this request. */
export function requirementOf(c: Context): Requirement {
  // Middleware is registered on `/*`; of the remaining matches the first one handles the request.
  const routes = matchedRoutes(c).filter(({ path }) => path !== '/*' && path !== '*');
  const pattern = (routes.find(({ method }) => method !== 'ALL') ?? routes[0])?.path ?? c.req.routePath;
  const needed = requirementFor(c.req.method, pattern, c.req.query('format') === 'csv');
  // An unknown path is public, but below /api the request must be authenticated to learn that.
  return routes.length > 0
    ? needed
    : {
        ...needed,
        isPublic: !c.req.path.startsWith('/api/'),
        needsAllOrganizations: false,
        scope: 'read',
        audit: null,
      };
}

/** @param asCsv whether the request wants the answer as CSV */
export function requirementFor(method: string, pattern: string, asCsv = false): Requirement {
  const reads = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
  const route = `${reads ? 'GET' : method} ${pattern}`;
  const segment = pattern.split('/').indexOf(':orgId');
  const byDefault = reads ? (asCsv && CSV_AUDIT_ACTIONS[route]) || null : 'api.write';
  const isPublic = PUBLIC_ROUTES.has(pattern);
  return {
    route,
    isPublic,
    organizationSegment: segment === -1 ? undefined : segment,
    needsAllOrganizations: !isPublic && segment === -1 && !SELF_FILTERING_ROUTES.has(route),
    scope: ROUTE_SCOPES[route] ?? (reads ? 'read' : 'admin'),
    isStream: STREAM_ROUTES.has(route) && method === 'GET',
    startsSync: START_ROUTES.test(route) || LEGACY_STARTS.includes(route),
    audit: route in AUDIT_ACTIONS ? (AUDIT_ACTIONS[route] ?? null) : byDefault,
  };
}
