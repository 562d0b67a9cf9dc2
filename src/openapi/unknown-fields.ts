/**
 * Which routes refuse a query or body field that they do not know: every route below `/api` whose callers this project
 * defines, unless it is listed here. So a misspelt `dry_run` deletes nothing, and a new route is strict without an entry.
 *
 * Not here: the check itself (server/refuse-unknown-fields.ts).
 */
import type { Operation } from './operation.ts';

const LENIENT_ROUTES = new Set([
  // The names of the old service: its clients send fields of their own, such as a number against caches.
  'POST /api/v1/cliniko/sync-all/:orgId',
  'POST /api/v1/cliniko/sync-active/:orgId',
  'GET /api/v1/cliniko/sync-logs/:orgId',
  // Polyfills of EventSource add parameters. A misspelt cursor loses nothing here: the stream then begins with a snapshot.
  'GET /api/v1/cliniko/sync-logs/:orgId/events',
  // The identity provider decides what it adds to the address.
  'GET /api/v1/sign-in/oidc/callback',
]);

/** Also true for all routes of the old service, and for pages, documents and health checks: links and probes add parameters. */
export function ignoresUnknownFields({ method, path, deprecated }: Operation): boolean {
  return (
    deprecated === true || !path.startsWith('/api/') || LENIENT_ROUTES.has(`${method.toUpperCase()} ${path}`)
  );
}
