/**
 * Nudges on their way to other servers: gathered, and sent at most 20 times a second, in a transaction of their own.
 *
 * One is under way at a time, so a database that is away gathers one nudge and not a queue of them. A nudge that does
 * not arrive costs a backstop poll, so a failure here needs nothing more.
 */
import type { Nudge } from './bus.ts';
import { CHANNEL, encodeNudge } from './nudge-text.ts';
import { openRenewingConnection } from './renewing-connection.ts';

const MIN_SPACING_MS = 50;
const LIMIT_MS = 2_000;

export interface Outbox {
  add(nudge: Nudge): void;
  /** Leaves with the next nudge, and with no other at once or soon after the last. */
  send(payload: string): void;
  close(): Promise<void>;
}

export function openOutbox(url: string, sender: string): Outbox {
  const connection = openRenewingConnection({
    url,
    applicationName: 'patient-sync bus',
    limitMs: LIMIT_MS,
    // A listener's connection never goes through a pooler. Not prepared, each nudge would ask twice: for its types first.
    prepare: true,
  });
  const organizations = new Set<number>();
  const cancelled = new Set<number>();
  const extra: string[] = [];
  let work = false;
  let timer: NodeJS.Timeout | undefined;
  let isLeaving = false;
  let lastSentAt = Number.NEGATIVE_INFINITY;
  let sending: Promise<void> | undefined;

  const takeAll = (): string[] => {
    const nudge = { organizations: [...organizations], work, cancelled: [...cancelled] };
    organizations.clear();
    cancelled.clear();
    work = false;
    return [...extra.splice(0), ...encodeNudge(nudge, sender)];
  };
  const hasNews = () => organizations.size + cancelled.size > 0 || work;
  const isEmpty = () => !hasNews() && extra.length === 0;
  const notify = (payloads: readonly string[]) =>
    // Nothing is lost with a nudge that did not survive a crash, so its commit need not wait for the disk.
    connection.ask(
      (sql) => sql`select set_config('synchronous_commit', 'off', true), pg_notify(${CHANNEL}, payload)
        from unnest(${payloads as string[]}::text[]) as payload`,
    );
  const flush = (): void => {
    timer = undefined;
    isLeaving = false;
    if (sending !== undefined || isEmpty()) return;
    // A listener's test is rare: the news that come after it do not wait for it.
    if (hasNews()) lastSentAt = performance.now();
    sending = notify(takeAll())
      .then(
        () => {},
        () => {},
      )
      .finally(() => {
        sending = undefined;
        schedule();
      });
  };
  /** The first after a pause leaves in the same turn; what comes while one is under way leaves after it. */
  const schedule = (): void => {
    if (timer !== undefined || isLeaving || sending !== undefined || isEmpty()) return;
    const waitMs = lastSentAt + MIN_SPACING_MS - performance.now();
    // A timer of no time still takes a millisecond.
    if (waitMs > 0) timer = setTimeout(flush, waitMs);
    else {
      isLeaving = true;
      setImmediate(flush);
    }
  };
  return {
    add(nudge) {
      for (const organization of nudge.organizations) organizations.add(organization);
      for (const run of nudge.cancelled ?? []) cancelled.add(run);
      work ||= nudge.work;
      schedule();
    },
    send(payload) {
      extra.push(payload);
      schedule();
    },
    async close() {
      clearTimeout(timer);
      await sending;
      flush();
      await sending;
      clearTimeout(timer);
      await connection.close();
    },
  };
}
