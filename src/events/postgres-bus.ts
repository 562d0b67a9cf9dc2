/**
 * The bus between servers: NOTIFY after the commit, LISTEN on a connection that does nothing else.
 *
 * A NOTIFY inside a batch's transaction would hold a database-wide lock until its WAL is flushed, so nudges go out
 * afterwards (outbox.ts), and come in through listener.ts. Listeners in this process hear them at once.
 */
import { randomBytes } from 'node:crypto';
import type { EventBus } from './bus.ts';
import { Listener, type ListenerPlan } from './listener.ts';
import { createMemoryBus } from './memory-bus.ts';
import { Outbox } from './outbox.ts';

export interface BusOptions extends Pick<ListenerPlan, 'onHealth'> {
  /** It refuses startup parameters (`pinSession`). */
  throughPooler?: boolean;
}

/**
 * @param listenUrl a direct connection: a pooler in transaction mode drops LISTEN without a word
 * @throws when the listener cannot be opened, or its first self-test does not come back (name `LISTEN_DATABASE_URL`)
 */
export async function openPostgresBus(
  listenUrl: string,
  selfTest?: ListenerPlan['selfTest'],
  { throughPooler = true, onHealth }: BusOptions = {},
): Promise<EventBus> {
  const sender = randomBytes(6).toString('hex');
  const local = createMemoryBus();
  const outbox = new Outbox(listenUrl, sender);
  const listener = new Listener({
    url: listenUrl,
    throughPooler,
    sender,
    onNudge: local.publish,
    // What was sent while we were away is gone: everyone reads again.
    onListening: local.gap,
    notify: (payload) => outbox.send(payload),
    ...(onHealth && { onHealth }),
    ...(selfTest && { selfTest }),
  });
  const close = async () => {
    listener.close();
    await outbox.close();
    await local.close();
  };
  await openOrLeave(() => listener.open(), close);
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
    close,
  };
}

async function openOrLeave(open: () => Promise<boolean>, close: () => Promise<void>): Promise<void> {
  const healthy = await open().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  if (healthy) return;
  await close();
  throw new Error(
    'LISTEN does not work on this database connection: it goes through a pooler. ' +
      'Set LISTEN_DATABASE_URL to a direct connection to the same database.',
  );
}
