/**
 * Nudges on their way to other servers: gathered, and sent at most 20 times a second, in a transaction of their own.
 *
 * One is under way at a time, so a database that is away gathers one nudge and not a queue of them. A nudge that does
 * not arrive costs a backstop poll, so a failure here needs nothing more.
 */

import { openTimeoutClient, type TimeoutClient } from '../database/timeout-client.ts';
import type { Nudge } from './event-bus.ts';
import { CHANNEL, encodeNudge } from './notify-payload.ts';

const MIN_SPACING_MS = 50;
const LIMIT_MS = 2_000;

export class NotifyBatcher {
  readonly #sender: string;
  readonly #connection: TimeoutClient;
  readonly #organizations = new Set<number>();
  readonly #cancelled = new Set<number>();
  readonly #extra: string[] = [];
  #work = false;
  #timer: NodeJS.Timeout | undefined;
  #isClosing = false;
  #lastSentAt = Number.NEGATIVE_INFINITY;
  #sending: Promise<void> | undefined;

  constructor(url: string, sender: string) {
    this.#sender = sender;
    this.#connection = openTimeoutClient({
      url,
      applicationName: 'patient-sync bus',
      limitMs: LIMIT_MS,
      // A listener's connection never goes through a pooler. Not prepared, each nudge would ask twice: for its types first.
      prepare: true,
    });
  }

  add(nudge: Nudge): void {
    for (const organization of nudge.organizations) this.#organizations.add(organization);
    for (const run of nudge.cancelled ?? []) this.#cancelled.add(run);
    this.#work ||= nudge.work;
    this.#schedule();
  }

  /** Leaves with the next nudge, and with no other at once or soon after the last. */
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

  /** The first after a pause leaves in the same turn; what comes while one is under way leaves after it. */
  #schedule(): void {
    const isArranged = this.#timer !== undefined || this.#isClosing || this.#sending !== undefined;
    if (isArranged || this.#isEmpty()) return;
    const waitMs = this.#lastSentAt + MIN_SPACING_MS - performance.now();
    // A timer of no time still takes a millisecond.
    if (waitMs > 0) this.#timer = setTimeout(() => this.#flush(), waitMs);
    else {
      this.#isClosing = true;
      setImmediate(() => this.#flush());
    }
  }

  #flush(): void {
    this.#timer = undefined;
    this.#isClosing = false;
    if (this.#sending !== undefined || this.#isEmpty()) return;
    // A listener's test is rare: the news that come after it do not wait for it.
    if (this.#hasNews()) this.#lastSentAt = performance.now();
    this.#sending = this.#notify(this.#takeAll())
      .catch(() => {})
      .finally(() => {
        this.#sending = undefined;
        this.#schedule();
      });
  }

  #hasNews(): boolean {
    return this.#organizations.size + this.#cancelled.size > 0 || this.#work;
  }

  #isEmpty(): boolean {
    return !this.#hasNews() && this.#extra.length === 0;
  }

  #takeAll(): string[] {
    const organizations = [...this.#organizations];
    const nudge = { organizations, work: this.#work, cancelled: [...this.#cancelled] };
    this.#organizations.clear();
    this.#cancelled.clear();
    this.#work = false;
    return [...this.#extra.splice(0), ...encodeNudge(nudge, this.#sender)];
  }

  async #notify(payloads: readonly string[]): Promise<void> {
    // Nothing is lost with a nudge that did not survive a crash, so its commit need not wait for the disk.
    await this.#connection.query(
      (sql) => sql`select set_config('synchronous_commit', 'off', true), pg_notify(${CHANNEL}, payload)
        from unnest(${payloads as string[]}::text[]) as payload`,
    );
  }
}
