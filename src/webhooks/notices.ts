/**
 * Makes messages of waiting notices: texts for people, and several events in one message after quiet hours or for a digest.
 *
 * A notice becomes part of exactly one message: it is deleted in the transaction that puts the message into the outbox. Any
 * server does it; the row of the endpoint is locked, so two servers never split the notices of one endpoint.
 *
 * Not here: which events become notices (drizzle/), and how messages are sent (delivery-worker.ts).
 */
import type { Sql, TransactionSql } from 'postgres';
import { DIGEST_MINUTES, type QuietHours, type WebhookKind } from '#contract/webhook-endpoint.ts';
import { MessageDraft } from './message-draft.ts';
import { pageLinks } from './page-links.ts';
import { isQuiet, lastQuietEnd } from './quiet-hours.ts';
import type { Notice } from './summary.ts';

/** In one transaction, of those that each add to the size of messages. The others follow in the next one. */
const NOTICES_AT_ONCE = 500;

/** In memory: after a night hundreds of thousands may wait for one text. The event loop continues between two portions. */
const PORTION = 500;

export interface NoticeOptions {
  /** `PUBLIC_URL`; undefined: where the endpoint was registered. */
  publicUrl: string | undefined;
  /** The notices of one endpoint stay; those of the others are sent. */
  onFailed(error: unknown): void;
  now?: Date;
}

interface WaitingRow {
  id: number;
  quiet_hours: QuietHours | null;
  digest: boolean;
  /** Of the oldest notice, by the clock of the database; negative when that was ahead and is set back. */
  waited_s: number;
}

export async function enqueueNotices(sql: Sql, options: NoticeOptions): Promise<void> {
  const { publicUrl, onFailed, now = new Date() } = options;
  const waiting = await sql<WaitingRow[]>`
    with recursive waiting (endpoint_id) as (
      -- Skips from endpoint to endpoint along the index, however many notices wait.
      (select endpoint_id from webhook_notices order by endpoint_id limit 1)
      union all
      select (select next.endpoint_id from webhook_notices as next
        where next.endpoint_id > waiting.endpoint_id order by next.endpoint_id limit 1)
      from waiting where waiting.endpoint_id is not null)
    select endpoint.id, endpoint.quiet_hours, endpoint.digest,
      extract(epoch from clock_timestamp() - oldest.created_at)::float8 as waited_s
    from waiting join webhook_endpoints as endpoint on endpoint.id = waiting.endpoint_id
    cross join lateral (
      select created_at from webhook_notices where endpoint_id = endpoint.id order by id limit 1) as oldest
    order by oldest.created_at`;
  for (const endpoint of waiting) {
    try {
      if (isDue(endpoint, now)) await sql.begin((tx) => enqueueNoticesOf(tx, endpoint.id, publicUrl, now));
    } catch (error) {
      onFailed(error);
    }
  }
}

function isDue({ quiet_hours, digest, waited_s }: WaitingRow, now: Date): boolean {
  const hasWaited = waited_s < 0 || waited_s >= DIGEST_MINUTES * 60;
  return !isQuiet(quiet_hours, now) && (!digest || hasWaited);
}

interface EndpointRow {
  id: number;
  kind: WebhookKind;
  organization_id: number | null;
  organizations: number[] | null;
  quiet_hours: QuietHours | null;
  digest: boolean;
  address: string | null;
}

async function enqueueNoticesOf(
  tx: TransactionSql,
  id: number,
  publicUrl: string | undefined,
  now: Date,
): Promise<void> {
  const [endpoint] = await tx<EndpointRow[]>`
    select id, kind, organization_id, organizations, quiet_hours, digest, address from webhook_endpoints
    where id = ${id} and disabled_at is null for no key update skip locked`;
  if (endpoint === undefined) return;
  const links = pageLinks(publicUrl ?? endpoint.address ?? '');
  const messages = await takeNotices(tx, endpoint, now);
  for (const message of messages) await message.enqueue(tx, id, links);
}

/** With a digest one message; else one for each event, after one for what waited for the end of the quiet hours. */
async function takeNotices(tx: TransactionSql, endpoint: EndpointRow, now: Date): Promise<MessageDraft[]> {
  const { kind, digest, quiet_hours } = endpoint;
  const end = quiet_hours && lastQuietEnd(quiet_hours, now);
  const waited = new MessageDraft(kind);
  const messages = [waited];
  for await (const portion of deleteNotices(tx, endpoint).cursor(PORTION)) {
    for (const notice of portion.filter(({ organizationId }) => isOf(endpoint, organizationId))) {
      const hasWaited = digest || (end !== null && new Date(notice.createdAt) < end);
      const message = hasWaited ? waited : new MessageDraft(kind);
      message.add(notice);
      if (!hasWaited) messages.push(message);
    }
  }
  return messages;
}

/** @returns them, oldest first */
function deleteNotices(tx: TransactionSql, { id, kind, digest, quiet_hours }: EndpointRow) {
  // A text for people counts all of them, so its size does not grow.
  const isCounted = kind !== 'standard' && (digest || quiet_hours !== null);
  return tx<(Notice & { createdAt: string })[]>`
    with taken as (
      delete from webhook_notices where id in (
        select id from webhook_notices where endpoint_id = ${id} order by id limit ${isCounted ? null : NOTICES_AT_ONCE}::bigint)
      returning *)
    select taken.organization_id as "organizationId", organization.name as "organizationName", taken.event,
      taken.sync_log_id as "syncLogId", taken.body, taken.http_status as "httpStatus", taken.created_at as "createdAt"
    from taken left join organizations as organization on organization.id = taken.organization_id order by taken.id`;
}

/** Its organizations may have become fewer since the notice was written. */
function isOf({ organization_id, organizations }: EndpointRow, id: number): boolean {
  if (organization_id !== null) return id === organization_id;
  return organizations === null || organizations.includes(id);
}
