/** The outbox as deliverers see it: claimed with SKIP LOCKED, so that any server may take any, and no two take one. */
import type { Sql } from 'postgres';
import type { Attempt } from './send.ts';

export interface DueDelivery {
  id: string;
  organizationId: number;
  endpointId: number;
  url: string;
  sealedSecret: string;
  messageId: string;
  body: string;
  /** This one included. */
  attempts: number;
}

interface DueRow {
  id: string;
  organization_id: number;
  endpoint_id: number;
  url: string;
  sealed_secret: string;
  message_id: string;
  body: string;
  attempts: number;
}

/** Longer than an attempt may take. A server that died in the middle of one leaves it to the others after that. */
const CLAIM_LASTS = '60 seconds';

export async function claimDeliveries(sql: Sql, limit: number): Promise<DueDelivery[]> {
  const rows = await sql<DueRow[]>`
    with due as (
      select id from webhook_deliveries
      where state = 'pending' and next_attempt_at <= clock_timestamp()
      order by next_attempt_at limit ${limit} for update skip locked)
    update webhook_deliveries as delivery
    set attempts = attempts + 1, next_attempt_at = clock_timestamp() + ${CLAIM_LASTS}::interval
    from due, webhook_endpoints as endpoint
    where delivery.id = due.id and endpoint.id = delivery.endpoint_id
    returning delivery.id::text, endpoint.organization_id, delivery.endpoint_id, endpoint.url,
      endpoint.sealed_secret, delivery.message_id, delivery.body, delivery.attempts`;
  return rows.map((row) => ({
    id: row.id,
    organizationId: row.organization_id,
    endpointId: row.endpoint_id,
    url: row.url,
    sealedSecret: row.sealed_secret,
    messageId: row.message_id,
    body: row.body,
    attempts: row.attempts,
  }));
}

export async function recordDelivered(sql: Sql, { id }: DueDelivery, { status }: Attempt): Promise<void> {
  await sql`update webhook_deliveries
    set state = 'delivered', delivered_at = clock_timestamp(), last_status = ${status}, last_error = null
    where id = ${id}::bigint`;
}

/** @param delay seconds until the next attempt; undefined gives it up */
export async function recordFailed(
  sql: Sql,
  { id, attempts }: DueDelivery,
  { status, error }: Attempt,
  delay: number | undefined,
): Promise<void> {
  // Only while nobody else has taken it: whose claim has expired does not speak for it any more.
  await sql`update webhook_deliveries
    set state = ${delay === undefined ? 'given_up' : 'pending'}, last_status = ${status}, last_error = ${error},
      next_attempt_at = clock_timestamp() + make_interval(secs => ${delay ?? 0})
    where id = ${id}::bigint and state = 'pending' and attempts = ${attempts}`;
}

/** The attempt did not happen: this server stops. */
export async function handBack(sql: Sql, { id, attempts }: DueDelivery): Promise<void> {
  await sql`update webhook_deliveries set attempts = attempts - 1, next_attempt_at = clock_timestamp()
    where id = ${id}::bigint and state = 'pending' and attempts = ${attempts}`;
}

/** The receiver says that there is nobody any more: nothing is sent there again. */
export async function disableEndpoint(sql: Sql, endpointId: number): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`update webhook_endpoints set disabled_at = clock_timestamp() where id = ${endpointId}`;
    await tx`update webhook_deliveries set state = 'given_up', last_error = 'The endpoint is gone (HTTP 410).'
      where endpoint_id = ${endpointId} and state = 'pending'`;
  });
}

export async function forgetOldDeliveries(sql: Sql, days: number): Promise<void> {
  await sql`delete from webhook_deliveries
    where state <> 'pending' and created_at < clock_timestamp() - make_interval(days => ${days})`;
}
