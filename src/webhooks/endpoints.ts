/** The webhook endpoints of an organization, and the log of their deliveries. Every statement names the organization. */
import { and, desc, eq } from 'drizzle-orm';
import type { ISql } from 'postgres';
import {
  type CreatedWebhook,
  type NewWebhook,
  type Webhook,
  WebhookDelivery,
  WebhookEvent,
} from '#contract/webhook.ts';
import type { Database } from '../database/open.ts';
import type { SealedColumn } from '../encryption/rotate-keys.ts';
import type { Sealer } from '../encryption/sealer.ts';
import { newSecret } from './signature.ts';
import { webhookDeliveryTable, webhookEndpointTable } from './table.ts';

/** Per organization: each end of a run is sent to all of them. */
export const MAX_ENDPOINTS = 10;

export const secretContext = (organizationId: number) => `webhook-secret:${organizationId}`;

export const SEALED_SECRETS: SealedColumn = {
  table: 'webhook_endpoints',
  column: 'sealed_secret',
  contextColumns: ['organization_id'],
  contextOf: (row) => secretContext(Number(row.organization_id)),
};

/** @param shownUrl what the caller may see of a URL */
export async function listEndpoints(
  { orm }: Database,
  organizationId: number,
  shownUrl: (url: string) => string,
): Promise<Webhook[]> {
  const rows = await orm
    .select()
    .from(webhookEndpointTable)
    .where(eq(webhookEndpointTable.organizationId, organizationId))
    .orderBy(webhookEndpointTable.id);
  return rows.map((row) => ({
    id: row.id,
    url: shownUrl(row.url),
    events: WebhookEvent.array().parse(row.events),
    created_at: isoTime(row.createdAt),
    disabled_at: row.disabledAt && isoTime(row.disabledAt),
  }));
}

/** @returns undefined when the organization has `MAX_ENDPOINTS` already */
export async function createEndpoint(
  tx: ISql,
  sealer: Sealer,
  organizationId: number,
  { url, events = WebhookEvent.options }: NewWebhook,
): Promise<CreatedWebhook | undefined> {
  const secret = newSecret();
  const sealed = sealer.seal(secret, secretContext(organizationId));
  // A concurrent request waits for this lock, and then counts the new endpoint.
  await tx`select 1 from organizations where id = ${organizationId} for update`;
  const [row] = await tx<{ id: number; created_at: string }[]>`
    insert into webhook_endpoints (organization_id, url, sealed_secret, events)
    select ${organizationId}, ${url}, ${sealed}, ${[...new Set(events)]}::text[]
    where (select count(*) from webhook_endpoints where organization_id = ${organizationId}) < ${MAX_ENDPOINTS}
    returning id, created_at`;
  if (row === undefined) return undefined;
  const created_at = isoTime(row.created_at);
  return { id: row.id, url, events: [...new Set(events)], created_at, disabled_at: null, secret };
}

/** Deletes its pending messages too. @returns whether it existed */
export async function deleteEndpoint(tx: ISql, organizationId: number, id: number): Promise<boolean> {
  const rows = await tx`
    delete from webhook_endpoints where id = ${id} and organization_id = ${organizationId} returning id`;
  return rows.length > 0;
}

/** @returns undefined when the organization has no such endpoint */
export async function listDeliveries(
  { orm }: Database,
  organizationId: number,
  endpointId: number,
  limit: number,
): Promise<WebhookDelivery[] | undefined> {
  const own = and(
    eq(webhookEndpointTable.id, endpointId),
    eq(webhookEndpointTable.organizationId, organizationId),
  );
  const [endpoint] = await orm.select({ id: webhookEndpointTable.id }).from(webhookEndpointTable).where(own);
  if (endpoint === undefined) return undefined;
  const rows = await orm
    .select()
    .from(webhookDeliveryTable)
    .where(
      and(
        eq(webhookDeliveryTable.endpointId, endpointId),
        eq(webhookDeliveryTable.organizationId, organizationId),
      ),
    )
    .orderBy(desc(webhookDeliveryTable.id))
    .limit(limit);
  return rows.map((row) =>
    WebhookDelivery.parse({
      message_id: row.messageId,
      event: row.event,
      sync_log_id: row.syncLogId,
      state: row.state,
      attempts: row.attempts,
      created_at: isoTime(row.createdAt),
      next_attempt_at: row.state === 'pending' ? isoTime(row.nextAttemptAt) : null,
      delivered_at: row.deliveredAt && isoTime(row.deliveredAt),
      last_status: row.lastStatus,
      last_error: row.lastError,
    }),
  );
}

const isoTime = (text: string) => new Date(text).toISOString();
