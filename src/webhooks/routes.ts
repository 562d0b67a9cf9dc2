/** `/api/v1/organizations/:orgId/webhooks`: endpoints, and the log of what they were sent. */
import { Hono } from 'hono';
import { NewWebhook, type WebhookDeliveryList, type WebhookList } from '#contract/webhook.ts';
import { appendAudit } from '../audit/append.ts';
import type { Database } from '../database/open.ts';
import type { Sealer } from '../encryption/sealer.ts';
import { jsonBody, pathId, queryLimit } from '../http/parameters.ts';
import { auditOrigin, hasScope, principalOf } from '../http/principal.ts';
import { organizationNotFound, ProblemError } from '../http/problem.ts';
import { findOrganization } from '../organizations/organizations.ts';
import { listDeliveries } from './delivery-log.ts';
import { hostOf } from './endpoint-settings.ts';
import { createEndpoint, deleteEndpoint, hasEndpoint, listEndpoints, MAX_ENDPOINTS } from './endpoints.ts';
import { originOf, type SsrfRules, urlProblem } from './ssrf-guard.ts';

export interface WebhookDeps {
  database: Database;
  sealer: Sealer;
  webhookRules: SsrfRules;
}

export function webhookRoutes({ database, sealer, webhookRules }: WebhookDeps): Hono {
  const routes = new Hono();

  routes.get('/:orgId/webhooks', async (c) => {
    const shownUrl = hasScope(principalOf(c).scope, 'admin') ? (url: string) => url : originOf;
    const webhooks = await listEndpoints(database, pathId(c, 'orgId'), shownUrl);
    return c.json({ webhooks } satisfies WebhookList);
  });

  routes.post('/:orgId/webhooks', async (c) => {
    const organizationId = pathId(c, 'orgId');
    const wanted = await jsonBody(c, NewWebhook);
    const problem = urlProblem(wanted.url, webhookRules);
    if (problem !== undefined)
      throw new ProblemError('INVALID_PARAMETER', `"url" ${problem}.`, { field: 'url' });
    if ((await findOrganization(database, organizationId)) === undefined)
      throw organizationNotFound(organizationId);
    const created = await database.sql.begin(async (tx) => {
      const webhook = await createEndpoint(tx, sealer, organizationId, wanted);
      if (webhook === undefined) return undefined;
      const details = { webhook_id: webhook.id, host: hostOf(webhook.url) };
      await appendAudit(tx, { organizationId, action: 'webhook.create', details, ...auditOrigin(c) });
      return webhook;
    });
    if (created !== undefined) return c.json(created, 201);
    throw new ProblemError(
      'TOO_MANY_WEBHOOKS',
      `An organization has at most ${MAX_ENDPOINTS} webhooks. Delete one first.`,
    );
  });

  routes.delete('/:orgId/webhooks/:id', async (c) => {
    const organizationId = pathId(c, 'orgId');
    const id = pathId(c, 'id');
    const deleted = await database.sql.begin(async (tx) => {
      const url = await deleteEndpoint(tx, organizationId, id);
      if (url === undefined) return false;
      await appendAudit(tx, {
        organizationId,
        ...auditOrigin(c),
        action: 'webhook.delete',
        details: { webhook_id: id, host: hostOf(url) },
      });
      return true;
    });
    if (!deleted) throw webhookNotFound(id);
    return c.body(null, 204);
  });

  routes.get('/:orgId/webhooks/:id/deliveries', async (c) => {
    const id = pathId(c, 'id');
    const limit = queryLimit(c);
    if (!(await hasEndpoint(database, pathId(c, 'orgId'), id))) throw webhookNotFound(id);
    const deliveries = await listDeliveries(database.sql, principalOf(c).organizations, id, limit);
    return c.json({ deliveries } satisfies WebhookDeliveryList);
  });

  return routes;
}

function webhookNotFound(id: number): ProblemError {
  return new ProblemError(
    'WEBHOOK_NOT_FOUND',
    `This organization has no webhook ${id}. List them with GET /api/v1/organizations/:orgId/webhooks.`,
  );
}
