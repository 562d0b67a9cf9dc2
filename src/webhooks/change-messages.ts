/**
 * Makes the messages `patients.changed`: the changes of an organization's patients, exactly as the feed has them.
 *
 * For each endpoint and organization a row holds the position in the feed up to which messages were made. The next message is
 * made when no other one of the same two is pending. So they arrive in order, however often one is tried; a slow receiver gets fewer
 * and fuller messages; and nothing piles up for one that does not answer, because the feed itself is the queue. A transaction
 * that stores patients does no work for any of this.
 *
 * Any server makes them; the row of the position is locked, so two servers never make the same message.
 *
 * Not here: how messages are sent (delivery-worker.ts), the feed (patients/follow-changes.ts).
 */
import type { ISql, Sql, TransactionSql } from 'postgres';
import { formatCursor, parseCursor } from '#contract/cursor.ts';
import { followChanges } from '../patients/follow-changes.ts';
import { covers } from './message-owners.ts';
import { newMessageId } from './outbox.ts';

const CHANGES_PER_MESSAGE = 100;

/** Maximum messages of one look; the next look follows soon. */
const MESSAGES_PER_LOOK = 100;

/** On a row `endpoint`. */
const wantsChanges = (sql: ISql) =>
  sql`endpoint.kind = 'standard' and 'patients.changed' = any(endpoint.events)`;

/** On a row `target` with the two ids. */
const isWaiting = (sql: ISql) => sql`exists (
  select from webhook_deliveries where state = 'pending' and event = 'patients.changed'
    and endpoint_id = target.endpoint_id and organization_id = target.organization_id)`;

/**
 * Call it in the transaction that creates or changes an endpoint: it is sent what changes from now on. Organizations that it had
 * before keep their position. For an organization without any change the first message begins with its first change.
 */
export async function setChangePositions(tx: ISql, endpointId: number): Promise<void> {
  await tx`delete from webhook_change_positions as position using webhook_endpoints as endpoint
    where endpoint.id = ${endpointId} and position.endpoint_id = endpoint.id
      and not (${wantsChanges(tx)} and ${covers(tx, tx`position.organization_id`)})`;
  await tx`insert into webhook_change_positions (endpoint_id, organization_id, epoch, seq)
    select endpoint.id, stream.organization_id, (select sync_epoch()), stream.head
    from webhook_endpoints as endpoint
    join patient_change_streams as stream on ${covers(tx, tx`stream.organization_id`)}
    where endpoint.id = ${endpointId} and ${wantsChanges(tx)}
    on conflict do nothing`;
}

/** @param onFailed called for each message that cannot be made; the others are made nevertheless */
export async function enqueueChanges(sql: Sql, onFailed: (error: unknown) => void): Promise<void> {
  for (const target of await findBehind(sql)) {
    try {
      await sql.begin((tx) => sendNext(tx, target));
    } catch (error) {
      onFailed(error);
    }
  }
}

interface Target {
  endpoint_id: number;
  organization_id: number;
}

/** In no order, so that servers that look at the same time begin with different ones. */
async function findBehind(sql: Sql): Promise<Target[]> {
  return await sql<Target[]>`
    with endpoint as materialized (
      select * from webhook_endpoints as endpoint where disabled_at is null and ${wantsChanges(sql)}),
    target as (
      select endpoint.id as endpoint_id, stream.organization_id, stream.head from endpoint
      join patient_change_streams as stream on stream.organization_id = endpoint.organization_id
      union all
      select endpoint.id, stream.organization_id, stream.head from endpoint
      cross join unnest(endpoint.organizations) as listed (organization_id)
      join patient_change_streams as stream on stream.organization_id = listed.organization_id
      union all
      select endpoint.id, stream.organization_id, stream.head from endpoint
      cross join patient_change_streams as stream
      where endpoint.organization_id is null and endpoint.organizations is null)
    select target.endpoint_id, target.organization_id from target
    left join webhook_change_positions as position using (endpoint_id, organization_id)
    where (position.seq is null or position.seq <> target.head or position.epoch <> (select sync_epoch()))
      and not ${isWaiting(sql)}
    order by random() limit ${MESSAGES_PER_LOOK}`;
}

async function sendNext(tx: TransactionSql, target: Target): Promise<void> {
  const { endpoint_id: endpointId, organization_id: organizationId } = target;
  // First the endpoint, as everything that changes it does; one that is being changed is left to the next look.
  const wanted = await tx`
    select from webhook_endpoints as endpoint where id = ${endpointId} and disabled_at is null and ${wantsChanges(tx)}
      and ${covers(tx, tx`${organizationId}::int`)} for key share skip locked`;
  if (wanted.length === 0) return;
  const since = await lockPosition(tx, target);
  if (since === undefined) return;
  const { changes, next, recovered, reason } = await followChanges(tx, organizationId, {
    since,
    limit: CHANGES_PER_MESSAGE,
  });
  const position = parseCursor(next);
  if (position === undefined || (recovered && changes.length === 0)) return;
  const data = { organization_id: organizationId, changes, next, recovered, reason };
  const body = JSON.stringify({ type: 'patients.changed', timestamp: new Date().toISOString(), data });
  await tx`update webhook_change_positions set epoch = ${position.epoch}, seq = ${String(position.seq)}::bigint
    where endpoint_id = ${endpointId} and organization_id = ${organizationId}`;
  await tx`insert into webhook_deliveries (endpoint_id, organization_id, message_id, event, body, kind)
    values (${endpointId}, ${organizationId}, ${newMessageId(tx)}, 'patients.changed', ${body}, 'standard')`;
}

/** @returns undefined when another server makes the message, or one is pending */
async function lockPosition(tx: TransactionSql, target: Target): Promise<string | undefined> {
  const { endpoint_id: endpointId, organization_id: organizationId } = target;
  // Without a row the organization had no change when the endpoint was created.
  await tx`insert into webhook_change_positions (endpoint_id, organization_id, epoch, seq)
    values (${endpointId}, ${organizationId}, sync_epoch(), 0) on conflict do nothing`;
  const [position] = await tx<{ epoch: string; seq: string }[]>`
    select epoch, seq from webhook_change_positions
    where endpoint_id = ${endpointId} and organization_id = ${organizationId} for update skip locked`;
  if (position === undefined) return undefined;
  const waiting = await tx`
    select from (values (${endpointId}::int, ${organizationId}::int)) as target (endpoint_id, organization_id)
    where ${isWaiting(tx)}`;
  return waiting.length === 0 ? formatCursor(position.epoch, BigInt(position.seq)) : undefined;
}
