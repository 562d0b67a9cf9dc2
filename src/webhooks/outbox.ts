/** The outbox for deliverers: messages are claimed with SKIP LOCKED, so any server may claim any, and no two claim the same. */
import type { Sql } from 'postgres';
import { LONGEST_DELAY, LONGEST_DELAYS } from './retry-delays.ts';
import { ASKS_FOR_DELAY, type Attempt } from './send.ts';

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

/** Longer than an attempt may take. After that, other servers retry the attempt of a crashed one. */
const CLAIM_LASTS = '60 seconds';

/** Maximum concurrent attempts of one server. A hanging endpoint holds a socket and a few kilobytes, for 15 s. */
const ATTEMPTS_AT_ONCE = 128;
/** Of these for one organization, and for one endpoint: a hanging endpoint delays only its own messages. */
const ORGANIZATION_SHARE = 4;
const ENDPOINT_SHARE = 2;

/**
 * Claims due messages: round-robin over organizations, oldest first within one.
 *
 * The cost grows with the number of endpoints that have pending messages, not with the number of messages.
 *
 * @param inFlight the unfinished attempts of this server
 */
export async function claimDeliveries(
  sql: Sql,
  inFlight: readonly Pick<DueDelivery, 'organizationId' | 'endpointId'>[],
): Promise<DueDelivery[]> {
  const room = ATTEMPTS_AT_ONCE - inFlight.length;
  if (room <= 0) return [];
  const organizations = inFlight.map(({ organizationId }) => organizationId);
  const endpoints = inFlight.map(({ endpointId }) => endpointId);
  const rows = await sql<DueRow[]>`
    with recursive waiting (endpoint_id) as (
      -- Skips from endpoint to endpoint along the index, when anything is due at all.
      (select endpoint_id from webhook_deliveries where state = 'pending'
        and exists (select from webhook_deliveries where state = 'pending' and next_attempt_at <= now())
        order by endpoint_id limit 1)
      union all
      select (select next.endpoint_id from webhook_deliveries as next
        where next.state = 'pending' and next.endpoint_id > waiting.endpoint_id order by next.endpoint_id limit 1)
      from waiting where waiting.endpoint_id is not null),
    due as (
      select oldest.id, oldest.next_attempt_at, endpoint.organization_id
      from waiting join webhook_endpoints as endpoint on endpoint.id = waiting.endpoint_id
      cross join lateral (
        select id, next_attempt_at from webhook_deliveries
        where endpoint_id = endpoint.id and state = 'pending' and next_attempt_at <= now()
        order by next_attempt_at, id
        limit greatest(0, ${ENDPOINT_SHARE} - cardinality(array_positions(${endpoints}::int[], endpoint.id)))
        for update skip locked) as oldest),
    placed as (
      select id, next_attempt_at,
        cardinality(array_positions(${organizations}::int[], organization_id))
          + row_number() over (partition by organization_id order by next_attempt_at, id) as place
      from due),
    chosen as (
      select id from placed where place <= ${ORGANIZATION_SHARE}
      order by place, next_attempt_at, id limit ${room})
    update webhook_deliveries as delivery
    set attempts = attempts + 1, next_attempt_at = clock_timestamp() + ${CLAIM_LASTS}::interval
    from chosen, webhook_endpoints as endpoint
    where delivery.id = chosen.id and endpoint.id = delivery.endpoint_id
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

/** @param delay seconds until the next attempt; undefined gives up */
export async function recordFailed(
  sql: Sql,
  { id, attempts }: DueDelivery,
  { status, error }: Attempt,
  delay: number | undefined,
): Promise<void> {
  // Only while the claim is still ours: after its expiry another server may hold the message.
  await sql`update webhook_deliveries
    set state = ${delay === undefined ? 'given_up' : 'pending'}, last_status = ${status}, last_error = ${error},
      next_attempt_at = clock_timestamp() + make_interval(secs => ${delay ?? 0})
    where id = ${id}::bigint and state = 'pending' and attempts = ${attempts}`;
}

/**
 * Makes messages due whose next attempt lies further ahead than any delay that could have set it: it was written while the
 * database's clock was ahead.
 */
export async function releaseFromFuture(sql: Sql): Promise<void> {
  await sql`update webhook_deliveries set next_attempt_at = clock_timestamp()
    where state = 'pending' and next_attempt_at > clock_timestamp() + greatest(${CLAIM_LASTS}::interval,
      make_interval(secs => case when last_status = any(${[...ASKS_FOR_DELAY]}::int[]) then ${LONGEST_DELAY}::int
        else (${LONGEST_DELAYS}::int[])[attempts] end))`;
}

/** The attempt did not complete, because this server stops. */
export async function releaseDelivery(sql: Sql, { id, attempts }: DueDelivery): Promise<void> {
  await sql`update webhook_deliveries set attempts = attempts - 1, next_attempt_at = clock_timestamp()
    where id = ${id}::bigint and state = 'pending' and attempts = ${attempts}`;
}

/** The receiver answered 410 (Gone): no message is sent there again. */
export async function disableEndpoint(sql: Sql, endpointId: number): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`update webhook_endpoints set disabled_at = clock_timestamp() where id = ${endpointId}`;
    await tx`update webhook_deliveries set state = 'given_up', last_error = 'The endpoint is gone (HTTP 410).'
      where endpoint_id = ${endpointId} and state = 'pending'`;
  });
}

export async function deleteOldDeliveries(sql: Sql, days: number): Promise<void> {
  await sql`delete from webhook_deliveries
    where state <> 'pending' and created_at < clock_timestamp() - make_interval(days => ${days})`;
}
