/**
 * What each route requires, from its entry in the tables of openapi/. A route without an entry is closed, not open.
 *
 * A route with `:orgId` requires a token that holds that organization. A route without it requires a token that holds all,
 * unless its entry says that it filters itself. Reads require `read`, writes require `admin`, unless the entry says otherwise.
 */
import type { Context } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { AuditAction } from '../audit/append.ts';
import { isRead } from '../http/is-read.ts';
import type { Scope } from '../http/principal.ts';
import { LEGACY_OPERATIONS } from '../legacy/operations.ts';
import { OPERATIONS } from '../openapi/document.ts';

const ENTRIES = [...OPERATIONS, ...LEGACY_OPERATIONS];
const BY_ROUTE = new Map(ENTRIES.map((entry) => [`${entry.method.toUpperCase()} ${entry.path}`, entry]));
/** Whatever the method: another one is answered with 405. The files of the pages have no entry. */
const PUBLIC_PATHS = new Set([
  '/assets/*',
  ...ENTRIES.filter(({ access }) => access?.isPublic).map(({ path }) => path),
]);

export interface Requirement {
  /** The pattern, such as `GET /api/v1/cliniko/sync-logs/:orgId`: contains nothing that the client sent. */
  route: string;
  isPublic: boolean;
  /** The path segment that names the organization. */
  organizationSegment: number | undefined;
  needsAllOrganizations: boolean;
  scope: Scope;
  isStream: boolean;
  /** It obeys an `Idempotency-Key`. */
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
  const reads = isRead(method);
  const route = `${reads ? 'GET' : method} ${pattern}`;
  const { access = {}, headers = {} } = BY_ROUTE.get(route) ?? {};
  const segment = pattern.split('/').indexOf(':orgId');
  const isPublic = PUBLIC_PATHS.has(pattern);
  const auditByDefault = reads ? (asCsv && access.auditOfCsv) || null : 'api.write';
  return {
    route,
    isPublic,
    organizationSegment: segment === -1 ? undefined : segment,
    needsAllOrganizations: !isPublic && segment === -1 && access.isSelfFiltering !== true,
    scope: access.scope ?? (reads ? 'read' : 'admin'),
    isStream: access.isStream === true && method === 'GET',
    startsSync: 'Idempotency-Key' in headers,
    audit: access.audit === undefined ? auditByDefault : access.audit,
  };
}
