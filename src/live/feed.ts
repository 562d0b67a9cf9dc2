/**
 * The feed: everything that has happened to an organization's runs, then everything that happens next.
 *
 * Replay and live are one path: a watch has a cursor, `take` gives what comes after it, a nudge says that there is
 * more. The log is read once for all watches of this process, after each nudge, for all organizations that have
 * news; a lost nudge costs one backstop poll. sse-route.ts and ops-socket.ts only change the framing.
 *
 * Not here: when a connection can take more (theirs), where a stream goes on (resume.ts), how a watch joins (join.ts),
 * which history is the right one (history-guard.ts), who may watch.
 */
import { formatCursor } from '../contract/cursor.ts';
import type { EventBus } from '../events/bus.ts';
import type { EventLog } from '../events/event-log.ts';
import { HistoryLostError, type LoggedEvent, type Position } from '../events/log.ts';
import type { Newest } from '../events/newest.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { createHistoryGuard } from './history-guard.ts';
import { createJoin, type Join } from './join.ts';
import { createReader } from './reader.ts';
import { createShelf, type Place, type Shelf } from './shelf.ts';
import { createLiveCounters, type LiveCounters, type LiveStats } from './stats.ts';

/** Events that one read of the log takes of one organization. */
const READ_AT_MOST = 500;

/** What is in memory is given out as the truth for so long after the last look at the database. */
const TRUSTED_MS = 2_000;

/** The poll that finds what a lost nudge left, jittered, so that many servers do not ask in step. */
const pollDelayMs = (healthy: boolean) => (healthy ? 1_000 : 400) * (1 + Math.random() * 0.7);

export interface Feed {
  watch: Join;
  /** Every organization there is. */
  organizations(): Promise<number[]>;
  /** Hears of every organization that has news, with the cursor from which a new one is complete. */
  onOrganization(hear: (organizationId: number, beginning: string) => void): () => void;
  /** History was lost (a restore, a failover): every watch is void, and its connection has to begin anew. */
  onHistoryLost(hear: () => void): () => void;
  /** What polls may be answered with from memory. */
  readonly newest: Newest;
  readonly stats: LiveStats;
  readonly counters: LiveCounters;
  /** `poll` while nudges do not arrive: slower, nothing else. */
  readonly mode: 'listen' | 'poll';
  close(): Promise<void>;
}

export function createFeed(log: EventLog, bus: EventBus, logger: Logger, shelf: Shelf = createShelf()): Feed {
  const everything = new Set<(organizationId: number, beginning: string) => void>();
  const historians = new Set<() => void>();
  const counters = createLiveCounters();
  const guard = createHistoryGuard(log, shelf, () => {
    counters.historiesLost += 1;
    logger.warn('The database holds another history than before; streams begin anew');
    for (const hear of historians) hear();
  });

  const hear = (organizationId: number): void => {
    if (shelf.get(organizationId) !== undefined) reader.read([organizationId]);
    for (const listener of everything) listener(organizationId, formatCursor(guard.epoch, 0));
  };
  const readNews = async (organizationIds: readonly number[]): Promise<void> => {
    const positions = organizationIds.flatMap((organizationId): Position[] => {
      const channel = shelf.get(organizationId)?.channel;
      return channel === undefined ? [] : [{ organizationId, seq: channel.head }];
    });
    const { epoch } = guard;
    counters.logReads += 1;
    const events = await log.readAfter(epoch, positions, { limit: READ_AT_MOST });
    // What was read belongs to the channels of that epoch.
    if (epoch !== guard.epoch) return;
    for (const [id, news] of byOrganization(events)) handOn(id, news);
    shelf.fit();
    await settle(organizationIds);
  };
  const handOn = (id: number, news: readonly LoggedEvent[]): void => {
    const place = shelf.get(id);
    if (place === undefined) return;
    place.channel.append(news);
    for (const listener of place.listeners) listener.onNews();
    if (place.listeners.size > 0) counters.noteLag(Date.parse(news.at(-1)?.at ?? ''));
    if (news.length === READ_AT_MOST) reader.read([id]);
  };
  /** Another program moved the start of a run: which one is the latest now, only the table knows. */
  const settle = async (organizationIds: readonly number[]): Promise<void> => {
    const unsure = organizationIds.filter((id) => shelf.get(id)?.channel.isSure === false);
    if (unsure.length === 0) return;
    const states = await log.readStates(unsure);
    for (const state of states) shelf.get(state.organizationId)?.channel.settle(state);
    reader.read(unsure.filter((id) => shelf.get(id)?.channel.isSure === false));
  };
  const lookForNews = async (): Promise<void> => {
    shelf.sweep();
    if (shelf.size === 0 && everything.size === 0) return;
    const heads = await guard.readHeads();
    for (const { organizationId, seq } of heads.positions) {
      if (seq > (shelf.get(organizationId)?.channel.head ?? 0)) hear(organizationId);
    }
  };
  const reader = createReader({
    readNews,
    look: lookForNews,
    pollDelayMs: () => pollDelayMs(bus.healthy),
    onFailure(error) {
      if (error instanceof HistoryLostError) reader.poll();
      else logger.warn(safeError(error), 'Reading the event log failed; the next poll tries again');
    },
  });
  const leaveBus = [
    bus.subscribe((nudge) => nudge.organizations.forEach(hear)),
    // After every reconnection of the listener: another database may answer now.
    bus.onGap(reader.poll),
  ];
  /** The organization's place, when what it holds is known to be no older than a nudge's way. */
  const trusted = (id: number): Place | undefined => {
    const place = shelf.get(id);
    if (place === undefined || !bus.healthy || reader.lookedMsAgo > TRUSTED_MS || reader.isBehind(id)) return;
    return place.shown <= place.channel.head && place.channel.isSure ? place : undefined;
  };
  const join = createJoin({ log, shelf, guard, reader, counters, trusted });

  return {
    watch: join,
    async organizations() {
      const heads = await guard.readHeads();
      return heads.positions.map((position) => position.organizationId);
    },
    onOrganization(listener) {
      everything.add(listener);
      return () => everything.delete(listener);
    },
    onHistoryLost(listener) {
      historians.add(listener);
      return () => historians.delete(listener);
    },
    newest: createNewest(shelf, trusted, reader.read, counters),
    get stats() {
      counters.listenerHealthy = bus.healthy;
      counters.ringBytes = 0;
      for (const [, { channel }] of shelf.entries()) counters.ringBytes += channel.bytes;
      return counters;
    },
    counters,
    get mode() {
      return bus.healthy ? 'listen' : 'poll';
    },
    async close() {
      for (const leave of leaveBus) leave();
      reader.stop();
      await log.close();
    },
  };
}

function createNewest(
  shelf: Shelf,
  trusted: (organizationId: number) => Place | undefined,
  read: (organizationIds: readonly number[]) => void,
  counters: LiveCounters,
): Newest {
  return {
    of(organizationId) {
      shelf.touch(organizationId);
      const channel = trusted(organizationId)?.channel;
      const state = channel?.state();
      if (channel === undefined || state === undefined) return undefined;
      counters.pollsFromMemory += 1;
      return { epoch: channel.epoch, head: channel.head, log: state.latest?.log ?? null };
    },
    shown(organizationId, { epoch, head }) {
      const place = shelf.get(organizationId);
      if (place === undefined || place.channel.epoch !== epoch || head <= place.shown) return;
      place.shown = head;
      if (head > place.channel.head) read([organizationId]);
    },
  };
}

function byOrganization(events: readonly LoggedEvent[]): Map<number, LoggedEvent[]> {
  const groups = new Map<number, LoggedEvent[]>();
  for (const event of events) {
    const group = groups.get(event.organizationId);
    if (group === undefined) groups.set(event.organizationId, [event]);
    else group.push(event);
  }
  return groups;
}
