/**
 * The bus between servers: NOTIFY after the commit, LISTEN on a dedicated connection.
 *
 * A NOTIFY inside the transaction of a batch would hold a database-wide lock until its WAL is flushed. So
 * notify-batcher.ts sends nudges after the commit, and listener.ts receives them. Subscribers in this process get them
 * synchronously.
 */
import { randomBytes } from 'node:crypto';
import type { EventBus } from './event-bus.ts';
import { Listener, type ListenerOptions } from './listener.ts';
import { createMemoryBus } from './memory-bus.ts';
import { NotifyBatcher } from './notify-batcher.ts';

export interface BusOptions extends Pick<ListenerOptions, 'onHealth'> {
  /** Whether the URL points at a pooler, which rejects startup parameters (`pinSession`). */
  throughPooler?: boolean;
}

/**
 * @param listenUrl a direct connection: a pooler in transaction mode drops LISTEN without an error
 * @throws when the listener cannot connect, or its first self-test fails; the message names `LISTEN_DATABASE_URL`
 */
export async function openPostgresBus(
  listenUrl: string,
  selfTest?: ListenerOptions['selfTest'],
  { throughPooler = true, onHealth }: BusOptions = {},
): Promise<EventBus> {
  const sender = randomBytes(6).toString('hex');
  const local = createMemoryBus();
  const batcher = new NotifyBatcher(listenUrl, sender);
  const listener = new Listener({
    url: listenUrl,
    throughPooler,
    sender,
    onNudge: local.publish,
    // Nudges sent while disconnected are lost: all subscribers read again.
    onListening: local.missed,
    notify: (payload) => batcher.send(payload),
    ...(onHealth && { onHealth }),
    ...(selfTest && { selfTest }),
  });
  const close = async () => {
    listener.close();
    await batcher.close();
    await local.close();
  };
  await openOrClose(() => listener.open(), close);
  return {
    publish: (nudge) => {
      local.publish(nudge);
      batcher.add(nudge);
    },
    subscribe: local.subscribe,
    onMissed: local.onMissed,
    get healthy() {
      return listener.healthy;
    },
    close,
  };
}

async function openOrClose(open: () => Promise<boolean>, close: () => Promise<void>): Promise<void> {
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
