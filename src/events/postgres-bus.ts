/**
 * The bus between servers: NOTIFY after the commit, LISTEN on a connection that does nothing else.
 *
 * A NOTIFY inside a batch's transaction would hold a database-wide lock until its WAL is flushed, so nudges go out
 * afterwards, gathered, at most 20 times a second, in a transaction of their own. Listeners in this process hear
 * them at once. Health is proven, not assumed: a notification to oneself must come back.
 */
import { randomBytes } from 'node:crypto';
import postgres, { type Sql } from 'postgres';
import { ARRAY_TYPES } from '../database/arrays.ts';
import type { EventBus, Nudge } from './bus.ts';
import { createMemoryBus, type MemoryBus } from './memory-bus.ts';
import { CHANNEL, decodeNudge, encodeNudge, encodeTest } from './nudge-text.ts';

const MIN_SPACING_MS = 50;
const SELF_TEST_EVERY_MS = 10_000;
const SELF_TEST_LIMIT_MS = 5_000;

/**
 * @param listenUrl a direct connection: a pooler in transaction mode drops LISTEN without a word
 * @throws when the listener cannot be opened, or its first self-test does not come back (name `LISTEN_DATABASE_URL`)
 */
export async function openPostgresBus(listenUrl: string): Promise<EventBus> {
  const sender = randomBytes(6).toString('hex');
  const local = createMemoryBus();
  const outbox = openOutbox(listenUrl, sender);
  const listener = createListener(listenUrl, sender, local, outbox.send);
  await listener.open();
  return {
    publish: (nudge) => {
      local.publish(nudge);
      outbox.add(nudge);
    },
    subscribe: local.subscribe,
    onGap: local.onGap,
    get healthy() {
      return listener.healthy;
    },
    close: async () => {
      await outbox.close();
      await listener.close();
      await local.close();
    },
  };
}

/** Gathers nudges and sends them spaced; the first after a pause leaves at once. */
function openOutbox(url: string, sender: string) {
  const sql = connect(url);
  const organizations = new Set<number>();
  const cancelled = new Set<number>();
  let work = false;
  let timer: NodeJS.Timeout | undefined;
  let lastSentAt = 0;

  /** A lost nudge costs one backstop poll, so a failure here needs nothing more. */
  const send = async (payloads: string[]): Promise<void> => {
    // Nothing is lost with a nudge that did not survive a crash, so its commit need not wait for the disk.
    await sql`select set_config('synchronous_commit', 'off', true), pg_notify(${CHANNEL}, payload)
      from unnest(${payloads}::text[]) as payload`.catch(() => {});
  };
  const flush = async (): Promise<void> => {
    timer = undefined;
    lastSentAt = Date.now();
    const nudge = { organizations: [...organizations], work, cancelled: [...cancelled] };
    const payloads = encodeNudge(nudge, sender);
    organizations.clear();
    cancelled.clear();
    work = false;
    if (payloads.length > 0) await send(payloads);
  };
  return {
    send,
    add(nudge: Nudge): void {
      for (const organization of nudge.organizations) organizations.add(organization);
      for (const run of nudge.cancelled ?? []) cancelled.add(run);
      work ||= nudge.work;
      timer ??= setTimeout(flush, Math.max(0, lastSentAt + MIN_SPACING_MS - Date.now()));
    },
    async close(): Promise<void> {
      clearTimeout(timer);
      await flush();
      await sql.end({ timeout: 2 });
    },
  };
}

function createListener(
  url: string,
  sender: string,
  local: MemoryBus,
  send: (payloads: string[]) => Promise<void>,
) {
  let sql: Sql | undefined;
  let healthy = false;
  let tests = 0;
  let answered: ((test: number) => void) | undefined;
  let timer: NodeJS.Timeout | undefined;

  const hear = (payload: string): void => {
    const nudge = decodeNudge(payload);
    if (nudge.sender !== sender) local.publish(nudge);
    else if (nudge.test !== undefined) answered?.(nudge.test);
  };
  const listen = async (): Promise<void> => {
    sql = connect(url);
    // The last argument runs after every (re)connect. What was sent while we were away is gone: everyone reads again.
    await sql.listen(CHANNEL, hear, local.gap);
  };
  const selfTest = async (): Promise<boolean> => {
    const test = ++tests;
    const heard = new Promise<boolean>((resolve) => {
      const limit = setTimeout(() => resolve(false), SELF_TEST_LIMIT_MS);
      answered = (number) => {
        if (number !== test) return;
        clearTimeout(limit);
        resolve(true);
      };
    });
    await send([encodeTest(test, sender)]);
    return heard;
  };
  /** A connection that lost its other end without a word looks open for hours: only a new one helps. */
  const checkAndReopen = async (): Promise<void> => {
    healthy = await selfTest();
    if (healthy) return;
    await sql?.end({ timeout: 0 }).catch(() => {});
    await listen().catch(() => {});
  };
  const schedule = (): void => {
    timer = setTimeout(() => checkAndReopen().finally(() => timer && schedule()), SELF_TEST_EVERY_MS);
    timer.unref();
  };
  return {
    get healthy() {
      return healthy;
    },
    async open(): Promise<void> {
      await listen();
      healthy = await selfTest();
      if (!healthy) {
        await sql?.end({ timeout: 0 });
        throw new Error(
          'LISTEN does not work on this database connection: it goes through a pooler. ' +
            'Set LISTEN_DATABASE_URL to a direct connection to the same database.',
        );
      }
      schedule();
    },
    async close(): Promise<void> {
      clearTimeout(timer);
      timer = undefined;
      // It waits for nothing, so there is nothing to wait for.
      await sql?.end({ timeout: 0 });
    },
  };
}

function connect(url: string): Sql {
  return postgres(url, {
    max: 1,
    prepare: false,
    backoff: () => 0.2,
    connect_timeout: 10,
    connection: { application_name: 'patient-sync bus' },
    fetch_types: false,
    types: ARRAY_TYPES,
    onnotice: () => {},
  });
}
