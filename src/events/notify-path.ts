/**
 * The path of nudges through PostgreSQL: NOTIFY after the commit, LISTEN on a dedicated connection.
 *
 * A NOTIFY inside the transaction of a batch would hold a database-wide lock until its WAL is flushed. So
 * notify-batcher.ts sends nudges after the commit, and listener.ts receives them.
 */
import { randomBytes } from 'node:crypto';
import type { Nudge } from './event-bus.ts';
import { Listener, type ListenerOptions } from './listener.ts';
import type { MemoryBus } from './memory-bus.ts';
import { NotifyBatcher } from './notify-batcher.ts';

export interface NotifyPathOptions extends Partial<Pick<ListenerOptions, 'onHealth' | 'selfTest'>> {
  /** Whether the URL points at a pooler, which rejects startup parameters (`pinSession`). */
  throughPooler?: boolean;
}

/** How this server and the others tell each other who depends on this path. */
export type Dependence = Pick<ListenerOptions, 'needsNotify' | 'onNeeded'>;

export interface NotifyPath {
  /** To the other servers; the subscribers of this process are not called. */
  send(nudge: Nudge): void;
  /** Tells the other servers at once whether this one depends on this path. */
  announce(): void;
  readonly healthy: boolean;
  close(): Promise<void>;
}

/**
 * @param listenUrl a direct connection: a pooler in transaction mode drops LISTEN without an error
 * @param local gets what other servers and other programs send
 * @throws when the listener cannot connect, or its first self-tests fail; the message names `LISTEN_DATABASE_URL`
 */
export async function openNotifyPath(
  listenUrl: string,
  local: MemoryBus,
  { throughPooler = true, onHealth, selfTest }: NotifyPathOptions,
  dependence: Dependence,
): Promise<NotifyPath> {
  const sender = randomBytes(6).toString('hex');
  const batcher = new NotifyBatcher(listenUrl, sender, throughPooler);
  const listener = new Listener({
    url: listenUrl,
    throughPooler,
    sender,
    onNudge: local.publish,
    // Nudges sent while disconnected are lost: all subscribers read again.
    onListening: local.missed,
    notify: (payload) => batcher.send(payload),
    ...dependence,
    ...(onHealth && { onHealth }),
    ...(selfTest && { selfTest }),
  });
  const close = async () => {
    listener.close();
    await batcher.close();
  };
  await openOrClose(() => listener.open(), close);
  return {
    send: (nudge) => batcher.add(nudge),
    announce: () => listener.announce(),
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
