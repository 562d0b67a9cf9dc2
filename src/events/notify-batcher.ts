/**
 * Batches nudges to other servers, and sends them at most 20 times a second, each batch in its own transaction.
 *
 * One batch is in flight at a time. So while the database is unavailable, nudges merge into one batch and no queue grows.
 * The backstop poll covers a lost nudge, so a failure needs no retry.
 */

import { openTimeoutClient, type TimeoutClient } from '../database/timeout-client.ts';
import type { Nudge } from './event-bus.ts';
import { CHANNEL, encodeNudge } from './notify-payload.ts';
import { PendingNudges } from './pending-nudges.ts';

const MIN_SPACING_MS = 50;
const LIMIT_MS = 2_000;

export class NotifyBatcher {
  readonly #sender: string;
  readonly #connection: TimeoutClient;
  readonly #nudges = new PendingNudges();
  readonly #extra: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isFlushScheduled = false;
  #lastSentAt = Number.NEGATIVE_INFINITY;
  #sending: Promise<void> | undefined;

  /** @param throughPooler whether the URL points at a pooler, which rejects startup parameters (`pinSession`) */
  constructor(url: string, sender: string, throughPooler: boolean) {
    this.#sender = sender;
    this.#connection = openTimeoutClient({
      url,
      applicationName: 'patient-sync bus',
      limitMs: LIMIT_MS,
      throughPooler,
      // This URL never goes through a transaction pooler. Unprepared, each query needs a second round trip for its types.
      prepare: true,
    });
  }

  add(nudge: Nudge): void {
    this.#nudges.add(nudge);
    this.#schedule();
  }

  /** Sends a raw payload with the next batch. */
  send(payload: string): void {
    this.#extra.push(payload);
    this.#schedule();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#sending;
    this.#flush();
    await this.#sending;
    clearTimeout(this.#timer);
    await this.#connection.close();
  }

  /** The first nudge after a pause leaves in the same loop turn; nudges during a send leave after it. */
  #schedule(): void {
    const isScheduled = this.#timer !== undefined || this.#isFlushScheduled || this.#sending !== undefined;
    if (isScheduled || this.#isEmpty()) return;
    const waitMs = this.#lastSentAt + MIN_SPACING_MS - performance.now();
    // A timer of 0 ms still takes a millisecond.
    if (waitMs > 0) this.#timer = setTimeout(() => this.#flush(), waitMs);
    else {
      this.#isFlushScheduled = true;
      setImmediate(() => this.#flush());
    }
  }

  #flush(): void {
    this.#timer = undefined;
    this.#isFlushScheduled = false;
    if (this.#sending !== undefined || this.#isEmpty()) return;
    // A self-test is rare, so nudges after it do not wait for the minimum spacing.
    if (!this.#nudges.isEmpty) this.#lastSentAt = performance.now();
    this.#sending = this.#notify(this.#takeAll())
      .catch(() => {})
      .finally(() => {
        this.#sending = undefined;
        this.#schedule();
      });
  }

  #isEmpty(): boolean {
    return this.#nudges.isEmpty && this.#extra.length === 0;
  }

  #takeAll(): string[] {
    return [...this.#extra.splice(0), ...encodeNudge(this.#nudges.takeAll(), this.#sender)];
  }

  async #notify(payloads: readonly string[]): Promise<void> {
    // A nudge lost in a crash loses no data, so the commit does not wait for the disk.
    await this.#connection.query(
      (sql) => sql`select set_config('synchronous_commit', 'off', true), pg_notify(${CHANNEL}, payload)
        from unnest(${payloads as string[]}::text[]) as payload`,
    );
  }
}
