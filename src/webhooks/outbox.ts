/** The outbox for deliverers: messages are claimed with SKIP LOCKED, so any server may claim any, and no two claim the same. */
import type { ISql, Sql } from 'postgres';
import type { QuietHours, WebhookKind } from '#contract/webhook-endpoint.ts';
import { isOfEndpoint } from './message-owners.ts';
import { LONGEST_DELAY, LONGEST_DELAYS } from './retry-delays.ts';
import { ASKS_FOR_DELAY, type Attempt } from './send.ts';

export interface DueDelivery {
  id: string;
  /** The only one of its endpoint. */
  organizationId: number | null;
  /** Whose share an attempt takes: the organization, or the endpoint of several. */
  owner: number;
  lane: Lane;
  endpointId: number;
  kind: WebhookKind;
  url: string;
  sealedSecret: string;
  messageId: string;
  event: string;
  body: string;
  /** The kind that the body is for: another one when the endpoint has changed its kind (body-for-kind.ts). */
  bodyKind: WebhookKind;
  /** As the database has it. */
  summary: unknown;
  /** Where links of the endpoint begin, when `PUBLIC_URL` is not set. */
  address: string | null;
  /** This one included. */
  attempts: number;
  /** No further attempt in these. Null for what does not wait for their end. */
  quietHours: QuietHours | null;
}

/** Endpoints whose last attempt had no answer share few attempts, and so do emails, which one mail server takes. */
type Lane = 'open' | 'silent' | 'email';

/** Renewed while the attempt runs (`renewClaims`). After that, other servers retry the attempt of a crashed one. */
const CLAIM_LASTS = '15 seconds';
/** Servers of the previous version claim for this long, and renew nothing. */
export const LONGEST_CLAIM = '60 seconds';
export const RENEW_EVERY_MS = 5_000;

/** Maximum concurrent attempts of one server. A hanging endpoint holds a socket and a few kilobytes, for 15 s. */
const ATTEMPTS_AT_ONCE = 128;
/** Of these for one organization, and for one endpoint: a hanging endpoint delays only its own messages. */
const ORGANIZATION_SHARE = 4;
const ENDPOINT_SHARE = 2;
/** Of these for all endpoints that were silent, so that many of them leave room for those that answer; and for emails. */
const SILENT_SHARE = 32;
const EMAIL_SHARE = 8;

/** For a new message, as `webhook_enqueue()` in drizzle/ makes them. */
export const newMessageId = (sql: ISql) => sql`'msg_' || replace(gen_random_uuid()::text, '-', '')`;

/**
 * Claims due messages: round-robin over organizations, oldest first within one.
 *
 * The cost grows with the number of endpoints that have pending messages, not with the number of messages.
 *
 * @param inFlight the unfinished attempts of this server
 */
export async function claimDeliveries(
  sql: Sql,
  inFlight: readonly Pick<DueDelivery, 'owner' | 'endpointId' | 'lane'>[],
): Promise<DueDelivery[]> {
  const room = ATTEMPTS_AT_ONCE - inFlight.length;
  if (room <= 0) return [];
  const owners = inFlight.map(({ owner }) => owner);
  const roomOf = (lane: Lane, share: number) => share - inFlight.filter((one) => one.lane === lane).length;
  const endpoints = inFlight.map(({ endpointId }) => endpointId);
  return await sql<DueDelivery[]>`
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
      select oldest.id, oldest.next_attempt_at, coalesce(endpoint.organization_id, -endpoint.id) as owner,
        case when kind = 'email' then 'email' when silent_since is not null then 'silent' else 'open' end as lane
      from waiting join webhook_endpoints as endpoint on endpoint.id = waiting.endpoint_id
        and (resume_at is null or resume_at <= now())
      cross join lateral (
        select id, next_attempt_at from webhook_deliveries as delivery
        where endpoint_id = endpoint.id and state = 'pending' and next_attempt_at <= now() and ${isOfEndpoint(sql)}
        order by next_attempt_at, id
        limit greatest(0, ${ENDPOINT_SHARE} - cardinality(array_positions(${endpoints}::int[], endpoint.id)))
        for update skip locked) as oldest),
    placed as (
      select *, cardinality(array_positions(${owners}::int[], owner))
        + row_number() over (partition by owner order by next_attempt_at, id) as place
      from due),
    ranked as (
      select *, row_number() over (partition by lane order by place, next_attempt_at, id) as lane_place
      from placed where place <= ${ORGANIZATION_SHARE}),
    chosen as (
      select id, owner, lane from ranked
      where lane_place <= case lane when 'silent' then ${roomOf('silent', SILENT_SHARE)}::int
        when 'email' then ${roomOf('email', EMAIL_SHARE)}::int else ${room}::int end
      order by place, next_attempt_at, id limit ${room})
    update webhook_deliveries as delivery
    set attempts = attempts + 1, next_attempt_at = clock_timestamp() + ${CLAIM_LASTS}::interval
    from chosen, webhook_endpoints as endpoint
    where delivery.id = chosen.id and endpoint.id = delivery.endpoint_id
    returning delivery.id::text, endpoint.organization_id as "organizationId", chosen.owner, chosen.lane,
      delivery.endpoint_id as "endpointId", endpoint.kind, endpoint.url, endpoint.sealed_secret as "sealedSecret",
      endpoint.address, delivery.message_id as "messageId", delivery.event, delivery.body,
      coalesce(delivery.kind, endpoint.kind) as "bodyKind", delivery.summary, delivery.attempts,
      case when delivery.event not in ('test', 'patients.changed') then endpoint.quiet_hours end as "quietHours"`;
}

/**
 * So that no other server makes the same attempts, however long they take. A claim that another server has by now is left alone, and
 * so is a message that waits for its next attempt.
 */
export async function renewClaims(
  sql: Sql,
  inFlight: readonly Pick<DueDelivery, 'id' | 'attempts'>[],
): Promise<void> {
  if (inFlight.length === 0) return;
  await sql`
    update webhook_deliveries set next_attempt_at = clock_timestamp() + ${CLAIM_LASTS}::interval
    where id in (
      select delivery.id from webhook_deliveries as delivery
      join unnest(${inFlight.map(({ id }) => id)}::bigint[], ${inFlight.map(({ attempts }) => attempts)}::int[])
        as claim (id, attempts) using (id, attempts)
      where state = 'pending' and next_attempt_at <= clock_timestamp() + ${CLAIM_LASTS}::interval
      for update of delivery skip locked)`;
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
 * Makes messages due whose next attempt lies further ahead than any delay that could have set it, with quiet hours after it: it
 * was written while the database's clock was ahead. The same for endpoints that limit their rate.
 */
export async function releaseFromFuture(sql: Sql): Promise<void> {
  await sql`update webhook_deliveries set next_attempt_at = clock_timestamp()
    where state = 'pending' and next_attempt_at > clock_timestamp() + greatest(${LONGEST_CLAIM}::interval,
      make_interval(secs => case when last_status = any(${[...ASKS_FOR_DELAY]}::int[]) then ${LONGEST_DELAY}::int
        else (${LONGEST_DELAYS}::int[])[attempts] end)) + case when exists (select from webhook_endpoints
          where id = endpoint_id and quiet_hours is not null) then interval '1 day' else interval '0' end`;
  await sql`update webhook_endpoints set resume_at = null
    where resume_at > clock_timestamp() + make_interval(secs => ${LONGEST_DELAY})`;
}

/** The attempt did not complete, because this server stops. */
export async function releaseDelivery(sql: Sql, { id, attempts }: DueDelivery): Promise<void> {
  await sql`update webhook_deliveries set attempts = attempts - 1, next_attempt_at = clock_timestamp()
    where id = ${id}::bigint and state = 'pending' and attempts = ${attempts}`;
}

/**
 * What an attempt tells of its endpoint: whether it answers, and from when on it takes more. An arrived test enables an
 * endpoint again.
 */
export async function recordAnswer(
  sql: Sql,
  { endpointId }: DueDelivery,
  { status, error, retryAfter }: Attempt,
): Promise<void> {
  const isLimited = status === TOO_MANY_REQUESTS && retryAfter !== null;
  await sql`update webhook_endpoints
    set silent_since = case when ${status}::int is null and ${error}::text is not null
        then coalesce(silent_since, clock_timestamp()) end,
      resume_at = case when ${isLimited} then clock_timestamp() + make_interval(secs => ${Math.min(retryAfter ?? 0, LONGEST_DELAY)}) end,
      disabled_at = case when ${error}::text is not null then disabled_at end
    where id = ${endpointId} and (${isLimited} or resume_at is not null or ${error}::text is null and disabled_at is not null
      or (silent_since is null) = (${status}::int is null and ${error}::text is not null))`;
}

const TOO_MANY_REQUESTS = 429;

/** The receiver answered 410 (Gone): no message is sent there again. */
export async function disableEndpoint(sql: Sql, endpointId: number): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`update webhook_endpoints set disabled_at = clock_timestamp() where id = ${endpointId}`;
    await tx`update webhook_deliveries set state = 'given_up', last_error = 'The endpoint is gone (HTTP 410).'
      where endpoint_id = ${endpointId} and state = 'pending'`;
    await tx`delete from webhook_notices where endpoint_id = ${endpointId}`;
  });
}

export async function deleteOldDeliveries(sql: Sql, days: number): Promise<void> {
  await sql`delete from webhook_deliveries
    where state <> 'pending' and created_at < clock_timestamp() - make_interval(days => ${days})`;
}
