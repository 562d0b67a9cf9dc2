/**
 * `/api/v1/organizations/:orgId/webhooks`: the endpoints of the kind `standard` of one organization, and the log of what they were
 * sent. Endpoints of other kinds and of several organizations: endpoint-routes.ts.
 */
import { Hono } from 'hono';
import type { ISql } from 'postgres';
import {
  type CreatedWebhook,
  NewWebhook,
  type Webhook,
  type WebhookDeliveryList,
  type WebhookList,
} from '#contract/webhook.ts';
import { appendAudit } from '../audit/append.ts';
import type { Database } from '../database/open.ts';
import type { Sealer } from '../encryption/sealer.ts';
import { jsonBody, pathId, queryLimit } from '../http/parameters.ts';
import { auditOrigin, hasScope, principalOf } from '../http/principal.ts';
import { ProblemError } from '../http/problem.ts';
import { listDeliveries } from './delivery-log.ts';
import { checkSettings, hostOf } from './endpoint-settings.ts';
import { originOf, type SsrfRules } from './ssrf-guard.ts';
import { insertEndpoint, lockEndpoint, readEndpoints, removeEndpoint } from './store-endpoint.ts';

export interface WebhookDeps {
  database: Database;
  sealer: Sealer;
  webhookRules: SsrfRules;
}

export function webhookRoutes({ database, sealer, webhookRules }: WebhookDeps): Hono {
  const routes = new Hono();

  routes.get('/:orgId/webhooks', async (c) => {
    const isAdmin = hasScope(principalOf(c).scope, 'admin');
    const found = await webhooksOf(database.sql, pathId(c, 'orgId'));
    const webhooks = isAdmin ? found : found.map((one) => ({ ...one, url: originOf(one.url) }));
    return c.json({ webhooks } satisfies WebhookList);
  });

  routes.post('/:orgId/webhooks', async (c) => {
    const organizationId = pathId(c, 'orgId');
    const settings = checkSettings(
      { ...(await jsonBody(c, NewWebhook)), kind: 'standard', organizations: [organizationId] },
      { webhookRules, sendsEmail: false, principal: principalOf(c) },
    );
    const created = await database.sql.begin(async (tx): Promise<CreatedWebhook> => {
      const { id, secret } = await insertEndpoint(tx, sealer, settings, null);
      const webhook = await requireWebhook(tx, organizationId, id);
      const details = { webhook_id: id, host: hostOf(webhook.url) };
      await appendAudit(tx, { organizationId, action: 'webhook.create', details, ...auditOrigin(c) });
      return { ...webhook, secret };
    });
    return c.json(created, 201);
  });

  routes.delete('/:orgId/webhooks/:id', async (c) => {
    const organizationId = pathId(c, 'orgId');
    const id = pathId(c, 'id');
    await database.sql.begin(async (tx) => {
      await lockEndpoint(tx, id);
      const { url } = await requireWebhook(tx, organizationId, id);
      await removeEndpoint(tx, id);
      const details = { webhook_id: id, host: hostOf(url) };
      await appendAudit(tx, { organizationId, action: 'webhook.delete', details, ...auditOrigin(c) });
    });
    return c.body(null, 204);
  });

  routes.get('/:orgId/webhooks/:id/deliveries', async (c) => {
    const limit = queryLimit(c);
    const { id } = await requireWebhook(database.sql, pathId(c, 'orgId'), pathId(c, 'id'));
    const deliveries = await listDeliveries(database.sql, principalOf(c).organizations, id, limit);
    return c.json({ deliveries } satisfies WebhookDeliveryList);
  });

  return routes;
}

async function webhooksOf(sql: ISql, organizationId: number, id?: number): Promise<Webhook[]> {
  const stored = await readEndpoints(sql, new Set([organizationId]), id);
  return stored.flatMap(({ shown: { id: webhookId, kind, url, events, created_at, disabled_at } }) =>
    kind === 'standard' && url !== null ? [{ id: webhookId, url, events, created_at, disabled_at }] : [],
  );
}

async function requireWebhook(sql: ISql, organizationId: number, id: number): Promise<Webhook> {
  const [webhook] = await webhooksOf(sql, organizationId, id);
  if (webhook !== undefined) return webhook;
  throw new ProblemError(
    'WEBHOOK_NOT_FOUND',
    `This organization has no webhook ${id}. List them with GET /api/v1/organizations/:orgId/webhooks.`,
  );
}
