/**
 * The body of a delivery for the kind that its endpoint has now. A body is stored in the form of one kind, and each service refuses
 * the form of another. When the endpoint has changed its kind since, the body is made again for the attempt; the stored one stays,
 * because the kind may change back.
 *
 * Not here: the form of each kind (message-bodies.ts).
 */
import type { ISql } from 'postgres';
import { z } from 'zod';
import { parseJson } from '#contract/parse-json.ts';
import { SYNC_EVENTS } from '#contract/webhook.ts';
import { testBody } from './delivery-log.ts';
import { bodyFor } from './message-bodies.ts';
import type { DueDelivery } from './outbox.ts';
import { pageLinks } from './page-links.ts';
import { type Notice, Summary, summarize } from './summary.ts';

/** Why there is no body: the message is given up. */
export const NO_BODY_FOR_KIND =
  'The webhook has another kind now, which cannot get this message: change the kind back, and send the message again.';

type Delivery = Pick<
  DueDelivery,
  'kind' | 'bodyKind' | 'body' | 'event' | 'summary' | 'endpointId' | 'address'
>;

/** @returns undefined when the kind cannot get this message: a program gets no text for people, and people no changes of patients */
export async function bodyForKind(
  sql: ISql,
  delivery: Delivery,
  publicUrl: string | undefined,
): Promise<string | undefined> {
  const { kind, bodyKind, body, event, endpointId } = delivery;
  if (kind === bodyKind) return body;
  const address = publicUrl ?? delivery.address ?? '';
  if (event === 'test') return testBody({ id: endpointId, kind }, address);
  if (kind === 'standard') return undefined;
  if (bodyKind !== 'standard') {
    const stored = Summary.safeParse(delivery.summary);
    return stored.success ? bodyFor(kind, stored.data) : undefined;
  }
  const notices = await readNotices(sql, body);
  return notices.length > 0 ? bodyFor(kind, summarize(notices, pageLinks(address))) : undefined;
}

const Message = z.object({
  type: z.enum(SYNC_EVENTS),
  data: z.object({ organization_id: z.int(), sync_log_id: z.int().nullable().catch(null) }),
});
const Digest = z.object({ type: z.literal('digest'), data: z.object({ messages: z.array(z.unknown()) }) });

/** What a body of the kind `standard` tells, except the status of Cliniko's answer, which it does not hold. */
async function readNotices(sql: ISql, body: string): Promise<Notice[]> {
  const parsed = parseJson(body);
  const digest = Digest.safeParse(parsed);
  const notices = (digest.success ? digest.data.data.messages : [parsed]).flatMap((one) => {
    const message = Message.safeParse(one);
    return message.success ? [noticeOf(message.data, JSON.stringify(one))] : [];
  });
  const ids = [...new Set(notices.map(({ organizationId }) => organizationId))];
  const rows = await sql<{ id: number; name: string | null }[]>`
    select id, name from organizations where id = any(${ids}::int[])`;
  const names = new Map(rows.map(({ id, name }) => [id, name]));
  return notices.map((notice) => ({ ...notice, organizationName: names.get(notice.organizationId) ?? null }));
}

const noticeOf = ({ type, data }: z.infer<typeof Message>, body: string): Notice => ({
  event: type,
  organizationId: data.organization_id,
  organizationName: null,
  syncLogId: data.sync_log_id,
  body,
  httpStatus: null,
});
