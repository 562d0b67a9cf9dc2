/**
 * The endpoints of the kind `standard` of one organization, at `/organizations/:orgId/webhooks`. Every statement names the
 * organization.
 *
 * Not here: endpoints of other kinds and of several organizations (endpoint-settings.ts).
 */
import { and, eq } from 'drizzle-orm';
import type { ISql } from 'postgres';
import {
  type CreatedWebhook,
  type NewWebhook,
  SYNC_EVENTS,
  type Webhook,
  WebhookEvent,
} from '#contract/webhook.ts';
import type { Database } from '../database/open.ts';
import type { SealedColumn } from '../encryption/rotate-keys.ts';
import type { Sealer } from '../encryption/sealer.ts';
import { setChangePositions } from './change-messages.ts';
import { deleteDeliveries, toIso } from './delivery-log.ts';
import { newSecret } from './signature.ts';
import { webhookEndpointTable } from './table.ts';

/** Per organization: each end of a run is sent to all of them. */
export const MAX_ENDPOINTS = 10;

/** @param organizationId null: an endpoint of several */
export const secretContext = (organizationId: number | null) => `webhook-secret:${organizationId ?? 0}`;

export const SEALED_SECRETS: SealedColumn = {
  table: 'webhook_endpoints',
  column: 'sealed_secret',
  contextColumns: ['organization_id'],
  contextOf: ({ organization_id: id }) => secretContext(id === null ? null : Number(id)),
};

const ofOrganization = (organizationId: number) =>
  and(eq(webhookEndpointTable.organizationId, organizationId), eq(webhookEndpointTable.kind, 'standard'));

/** @param shownUrl what the caller may see of a URL */
export async function listEndpoints(
  { orm }: Database,
  organizationId: number,
  shownUrl: (url: string) => string,
): Promise<Webhook[]> {
  const rows = await orm
    .select()
    .from(webhookEndpointTable)
    .where(ofOrganization(organizationId))
    .orderBy(webhookEndpointTable.id);
  return rows.map((row) => ({
    id: row.id,
    url: shownUrl(row.url),
    events: WebhookEvent.array().parse(row.events),
    created_at: toIso(row.createdAt),
    disabled_at: row.disabledAt && toIso(row.disabledAt),
  }));
}

/** @returns undefined when the organization has `MAX_ENDPOINTS` already */
export async function createEndpoint(
  tx: ISql,
  sealer: Sealer,
  organizationId: number,
  { url, events = SYNC_EVENTS }: NewWebhook,
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
  await setChangePositions(tx, row.id);
  const created_at = toIso(row.created_at);
  return { id: row.id, url, events: [...new Set(events)], created_at, disabled_at: null, secret };
}

/** Deletes its pending messages too. @returns its URL; undefined when there is none */
export async function deleteEndpoint(
  tx: ISql,
  organizationId: number,
  id: number,
): Promise<string | undefined> {
  const its = tx`id = ${id} and organization_id = ${organizationId} and kind = 'standard'`;
  const found = await tx`select from webhook_endpoints where ${its}`;
  if (found.length > 0) await deleteDeliveries(tx, id);
  const [row] = await tx<{ url: string }[]>`delete from webhook_endpoints where ${its} returning url`;
  return row?.url;
}

export async function hasEndpoint(
  { orm }: Pick<Database, 'orm'>,
  organizationId: number,
  id: number,
): Promise<boolean> {
  const rows = await orm
    .select({ id: webhookEndpointTable.id })
    .from(webhookEndpointTable)
    .where(and(eq(webhookEndpointTable.id, id), ofOrganization(organizationId)));
  return rows.length > 0;
}
