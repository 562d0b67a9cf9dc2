/** What the old routes need, in the terms of access/: everything that is not listed reads, and names its organization. */
import type { AuditAction } from '../audit/append.ts';
import type { Scope } from '../http/principal.ts';

/** Without organization data, so open to every probe. */
export const LEGACY_PUBLIC = ['/health'];

/** Routes whose organization is in a header or a sync id: they check access themselves. */
export const LEGACY_SELF_FILTERING = [
  'POST /api/v1/sync/trigger',
  'GET /api/v1/sync/status/:syncId',
  'GET /api/v1/sync/progress/:syncId',
  'GET /api/v1/sync/active',
  'DELETE /api/v1/sync/cancel/:syncId',
  'DELETE /api/v1/sync/force-cancel/:syncId',
];

/** They start a run like our own routes, and obey the same `Idempotency-Key`. */
export const LEGACY_STARTS = [
  'POST /api/v1/cliniko/sync/:orgId',
  'POST /api/v1/cliniko/sync-comprehensive/:orgId',
  'POST /api/v1/cliniko/sync-simple/:orgId',
  'POST /api/v1/cliniko/sync/schedule/:orgId',
  'POST /api/v1/sync/trigger',
  'POST /api/v1/sync/start/:orgId',
];

const CANCELS = ['DELETE /api/v1/sync/cancel/:syncId', 'DELETE /api/v1/sync/force-cancel/:syncId'];

const PATIENT_LISTS = [
  'GET /api/v1/cliniko/active-patients/:orgId',
  'GET /api/v1/cliniko/patients/:orgId/stats',
];

const entries = <T>(routes: readonly string[], value: T) => routes.map((route) => [route, value] as const);

export const LEGACY_SCOPES: Record<string, Scope> = Object.fromEntries(
  entries([...LEGACY_STARTS, ...CANCELS], 'sync' as const),
);

export const LEGACY_AUDIT_ACTIONS: Record<string, AuditAction> = Object.fromEntries([
  ...entries(LEGACY_STARTS, 'sync.start' as const),
  ...entries(CANCELS, 'sync.cancel' as const),
  ...entries(PATIENT_LISTS, 'patients.read' as const),
]);
