/** One message that is made of notices: for people their summary, for programs the messages themselves. */
import type { TransactionSql } from 'postgres';
import type { WebhookKind } from '#contract/webhook-endpoint.ts';
import { bodyFor } from './message-bodies.ts';
import { newMessageId } from './outbox.ts';
import type { PageLinks } from './page-links.ts';
import { type Notice, SummaryDraft } from './summary.ts';

export class MessageDraft {
  readonly #kind: WebhookKind;
  readonly #organizations = new Set<number>();
  readonly #summary = new SummaryDraft();
  /** Of the notices for a program. */
  readonly #bodies: string[] = [];
  #count = 0;
  #newest: Notice | undefined;

  constructor(kind: WebhookKind) {
    this.#kind = kind;
  }

  /** Oldest first. */
  add(notice: Notice): void {
    this.#count += 1;
    this.#newest = notice;
    this.#organizations.add(notice.organizationId);
    if (this.#kind === 'standard') this.#bodies.push(notice.body);
    else this.#summary.add(notice);
  }

  /** Puts the message into the outbox. Without a notice there is none. */
  async enqueue(tx: TransactionSql, endpointId: number, links: PageLinks): Promise<void> {
    if (this.#count === 0) return;
    const kind = this.#kind;
    const summary = kind === 'standard' ? null : this.#summary.finish(links);
    const body =
      kind === 'standard' || summary === null ? standardBody(this.#bodies) : bodyFor(kind, summary);
    const [only, ...others] = this.#organizations;
    const organizations = others.length === 0 ? null : [...this.#organizations];
    const one = this.#count === 1 ? this.#newest : undefined;
    await tx`
      insert into webhook_deliveries (endpoint_id, organization_id, organizations, message_id, event, sync_log_id, body,
        kind, summary)
      values (${endpointId}, ${organizations === null ? (only ?? null) : null}, ${organizations}::int[],
        ${newMessageId(tx)}, ${one?.event ?? 'digest'}, ${one?.syncLogId ?? null}, ${body},
        ${kind}, ${summary && JSON.stringify(summary)}::text::jsonb)`;
  }
}

/** One event as it is; several in a `digest`. */
function standardBody(bodies: readonly string[]): string {
  const [only, ...others] = bodies;
  if (only !== undefined && others.length === 0) return only;
  const messages: unknown[] = bodies.map((body) => JSON.parse(body));
  return JSON.stringify({ type: 'digest', timestamp: new Date().toISOString(), data: { messages } });
}
