/** `DELETE /api/v1/organizations/:orgId`: a preview with `?dry_run=true`, otherwise the erasure. */
import { Hono } from 'hono';
import type { Database } from '../database/open.ts';
import type { EventBus } from '../events/event-bus.ts';
import { pathId, queryFlag } from '../http/parameters.ts';
import { auditOrigin } from '../http/principal.ts';
import { organizationNotFound } from '../http/problem.ts';
import { eraseOrganization, previewErasure } from './erase-organization.ts';

export function erasureRoutes({ database, bus }: { database: Database; bus: EventBus }): Hono {
  const routes = new Hono();
  routes.delete('/:orgId', async (c) => {
    const organizationId = pathId(c, 'orgId');
    if (queryFlag(c, 'dry_run')) {
      const preview = await previewErasure(database, organizationId);
      if (preview === undefined) throw organizationNotFound(organizationId);
      return c.json(preview);
    }
    const erased = await eraseOrganization(database, organizationId, auditOrigin(c));
    if (erased === undefined) throw organizationNotFound(organizationId);
    const cancelled = erased.ended_sync_log_id === null ? [] : [erased.ended_sync_log_id];
    bus.publish({ organizations: [organizationId], work: false, cancelled });
    return c.json(erased);
  });
  return routes;
}
