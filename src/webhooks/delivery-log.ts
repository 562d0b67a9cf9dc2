/** The log of the deliveries of an endpoint; tests of it, and deliveries that are sent again. */
import type { ISql } from 'postgres';
import { WebhookDelivery } from '#contract/webhook.ts';
import type { WebhookKind } from '#contract/webhook-endpoint.ts';
import { ROWS_AT_ONCE } from '../database/portions.ts';
import type { GrantedOrganizations } from '../http/principal.ts';
import { bodyFor } from './message-bodies.ts';
import { isOfEndpoint, isVisibleTo } from './message-owners.ts';
import { LONGEST_CLAIM, newMessageId } from './outbox.ts';
import { pageLinks } from './page-links.ts';

/** Newest first: what the caller may see of it. */
export async function listDeliveries(
  sql: ISql,
  held: GrantedOrganizations,
  endpointId: number,
  limit: number,
): Promise<WebhookDelivery[]> {
  const rows = await sql<DeliveryRow[]>`
    select delivery.* from webhook_deliveries as delivery
    where delivery.endpoint_id = ${endpointId} and ${isVisibleTo(sql, held)}
    order by delivery.id desc limit ${limit}`;
  return rows.map(deliveryOf);
}

/** As the database has it. */
export interface DeliveryRow {
  id: string;
  message_id: string;
  event: string;
  sync_log_id: number | null;
  state: string;
  attempts: number;
  created_at: string;
  next_attempt_at: string;
  delivered_at: string | null;
  last_status: number | null;
  last_error: string | null;
}

export function deliveryOf(row: DeliveryRow): WebhookDelivery {
  return WebhookDelivery.parse({
    ...row,
    id: Number(row.id),
    created_at: toIso(row.created_at),
    next_attempt_at: row.state === 'pending' ? toIso(row.next_attempt_at) : null,
    delivered_at: row.delivered_at && toIso(row.delivered_at),
  });
}

export const toIso = (text: string) => new Date(text).toISOString();

export interface TestedEndpoint {
  id: number;
  kind: WebhookKind;
  organizationId: number | null;
  organizations: number[] | null;
}

/** @returns the test that is still pending, if there is one: requests do not pile up */
export async function enqueueTest(
  tx: ISql,
  endpoint: TestedEndpoint,
  address: string,
): Promise<WebhookDelivery> {
  const { id, kind, organizationId, organizations } = endpoint;
  await tx`select 1 from webhook_endpoints where id = ${id} for no key update`;
  const [pending] = await tx<DeliveryRow[]>`
    select * from webhook_deliveries where endpoint_id = ${id} and state = 'pending' and event = 'test' limit 1`;
  if (pending !== undefined) return deliveryOf(pending);
  const [row] = await tx<DeliveryRow[]>`
    insert into webhook_deliveries (endpoint_id, organization_id, organizations, message_id, event, body, kind)
    values (${id}, ${organizationId}, ${organizations}::int[], ${newMessageId(tx)}, 'test',
      ${testBody(endpoint, address)}, ${kind})
    returning *`;
  if (row === undefined) throw new Error('An insert returned no row.');
  return deliveryOf(row);
}

export function testBody({ id, kind }: Pick<TestedEndpoint, 'id' | 'kind'>, address: string): string {
  if (kind === 'standard')
    return JSON.stringify({ type: 'test', timestamp: new Date().toISOString(), data: { webhook_id: id } });
  const url = pageLinks(address).all;
  return bodyFor(kind, { lines: [{ text: 'Test of Patient Sync: notifications arrive here', url }], url });
}

/**
 * The same message, under the same id, with all attempts ahead of it, in the form that the endpoint's present kind takes
 * (body-for-kind.ts). One that waits for its next attempt is due now; one that is due within a claim may be in an attempt, and
 * stays.
 *
 * @returns undefined when the endpoint has no such delivery about its present organizations
 */
export async function redeliver(
  tx: ISql,
  endpointId: number,
  deliveryId: number,
): Promise<WebhookDelivery | undefined> {
  const [row] = await tx<DeliveryRow[]>`
    update webhook_deliveries as delivery set state = 'pending', delivered_at = null,
      attempts = case when state = 'pending' then attempts else 0 end,
      next_attempt_at = case when state = 'pending' and next_attempt_at <= clock_timestamp() + ${LONGEST_CLAIM}::interval
        then next_attempt_at else clock_timestamp() end
    from webhook_endpoints as endpoint
    where delivery.id = ${deliveryId}::bigint and delivery.endpoint_id = ${endpointId}
      and endpoint.id = delivery.endpoint_id and ${isOfEndpoint(tx)}
    returning delivery.*`;
  return row && deliveryOf(row);
}

/**
 * Before the endpoint itself is deleted: runs that end wait for that statement, and its cascade then finds little. The lock does
 * not hold them up.
 */
export async function deleteDeliveries(tx: ISql, endpointId: number): Promise<void> {
  await tx`select from webhook_endpoints where id = ${endpointId} for no key update`;
  for (;;) {
    const { count } = await tx`
      delete from webhook_deliveries where id in (
        select id from webhook_deliveries where endpoint_id = ${endpointId} order by id limit ${ROWS_AT_ONCE} for update)`;
    if (count === 0) return;
  }
}
