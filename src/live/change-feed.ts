/**
 * The live feed of patient changes: starts the streams of this process, and wakes them when the log of their organization has grown.
 *
 * Unlike the hub it keeps no frames: few programs keep a copy, and each reads the log at its own pace. A nudge costs one read of the
 * heads for all streams; only those that are behind then read their changes.
 *
 * Not here: one stream (change-subscriber.ts), the log (patients/change-log.ts).
 */
import { formatCursor, parseCursor } from '#contract/cursor.ts';
import type { EventBus } from '../events/event-bus.ts';
import { createFailureLog } from '../logging/failure-log.ts';
import type { Logger } from '../logging/logger.ts';
import type { ChangeLog } from '../patients/follow-changes.ts';
import { ChangeSubscriber } from './change-subscriber.ts';
import { createClientReads } from './client-reads.ts';
import { createLogPoller } from './log-poller.ts';
import type { StreamAuthorization } from './stream-authorization.ts';
import type { Subscriber } from './subscriber.ts';

/** How long a stream waits for its turn to read. */
const READ_WAIT_MS = 30_000;

export interface ChangeFeed {
  /**
   * Starts a stream of changes.
   *
   * @param wanted `since`: as for `GET …/changes`, also `all`; undefined: only later changes
   */
  subscribe(wanted: {
    organizationId: number;
    since: string | undefined;
    authorization: Pick<StreamAuthorization, 'canRead'>;
  }): Promise<Subscriber>;
  close(): void;
}

export function createChangeFeed(log: ChangeLog, bus: EventBus, logger: Logger): ChangeFeed {
  const subscribers = createSubscribers(bus);
  const findNews = createNewsFinder(log);
  const inTurn = createClientReads(READ_WAIT_MS);
  const follow: ChangeLog['follow'] = (...wanted) => inTurn(() => log.follow(...wanted));
  const poller = createLogPoller({
    async readNewEvents(organizationIds) {
      await findNews(subscribers.of(organizationIds));
      return [];
    },
    findMissed: () => findNews(subscribers.all()),
    isHealthy: () => bus.healthy,
    spacingMs: log.spacingMs,
    onFailure: createFailureLog(
      logger,
      'Reading the log of patient changes failed; the next poll tries again',
    ),
  });
  const unsubscribe = [
    bus.subscribe(({ organizations }) => {
      const followed = organizations.filter((id) => subscribers.of([id]).length > 0);
      if (followed.length > 0) poller.read(followed);
    }),
    bus.onMissed(poller.poll),
  ];
  return {
    async subscribe({ organizationId, since, authorization }) {
      const { epoch, head, next, reason } = await readStart(follow, organizationId, since);
      const subscriber = new ChangeSubscriber(
        { organizationId, epoch, head, next, reason },
        { log: { follow }, authorization, onEnded: subscribers.remove },
      );
      subscribers.add(subscriber);
      return subscriber;
    },
    close() {
      for (const end of unsubscribe) end();
      poller.stop();
    },
  };
}

/** Changes that are made after this read follow `next`, so none is lost before the subscriber is added. */
async function readStart(follow: ChangeLog['follow'], organizationId: number, since: string | undefined) {
  const now = await follow(organizationId, { since: undefined, limit: 1 });
  const wanted = since === undefined ? now : await follow(organizationId, { since, limit: 1 });
  const head = parseCursor(wanted.recovered ? now.next : wanted.next);
  if (head === undefined) throw new Error('The head of a log is a cursor.');
  const next = since !== undefined && wanted.recovered ? since : formatCursor(head.epoch, Number(head.seq));
  return { epoch: head.epoch, head: Number(head.seq), next, reason: wanted.reason };
}

/** The streams of each organization; the bus sends the nudges of these organizations. */
function createSubscribers(bus: EventBus) {
  const byOrganization = new Map<number, Set<ChangeSubscriber>>();
  const all = () => [...byOrganization.values()].flatMap((streams) => [...streams]);
  return {
    all,
    of: (organizationIds: readonly number[]) =>
      organizationIds.flatMap((id) => [...(byOrganization.get(id) ?? [])]),
    add(subscriber: ChangeSubscriber): void {
      const { organizationId } = subscriber;
      const streams = byOrganization.get(organizationId) ?? new Set();
      if (streams.size === 0) bus.follow(organizationId);
      byOrganization.set(organizationId, streams.add(subscriber));
    },
    remove(subscriber: ChangeSubscriber): void {
      const { organizationId } = subscriber;
      const streams = byOrganization.get(organizationId);
      if (streams?.delete(subscriber) !== true || streams.size > 0) return;
      byOrganization.delete(organizationId);
      bus.unfollow(organizationId);
    },
  };
}

/**
 * Reads the heads once for all these streams, and wakes those that have something to read.
 *
 * A database that was restored without a new epoch has less WAL than before, or fewer changes than a stream has sent: then the
 * epoch ends, for all servers (as in epoch-guard.ts).
 */
function createNewsFinder(log: ChangeLog) {
  let known = { epoch: '', flushed: 0n };
  return async (streams: readonly ChangeSubscriber[]): Promise<void> => {
    if (streams.length === 0) return;
    // Copied before the query: a stream may send more while the query runs.
    const [before, sent] = [known, new Map(streams.map((stream) => [stream, stream.cursor]))];
    const { epoch, flushed, heads } = await log.readHeads([
      ...new Set(streams.map((stream) => stream.organizationId)),
    ]);
    const headOf = (stream: ChangeSubscriber) => heads.get(stream.organizationId) ?? 0;
    const isRewound =
      (epoch === before.epoch && flushed < before.flushed) ||
      streams.some((stream) => stream.epoch === epoch && (sent.get(stream) ?? 0) > headOf(stream));
    if (isRewound) await log.endEpoch(epoch);
    known = { epoch, flushed };
    for (const stream of streams) {
      if (isRewound || stream.epoch !== epoch || headOf(stream) !== sent.get(stream)) stream.wake();
    }
  };
}
