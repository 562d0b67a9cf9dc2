/**
 * The feed: everything that has happened to an organization's runs, then everything that happens next.
 *
 * Replay and live are one path: a watch has a cursor, `take` gives what comes after it, a nudge says that there is
 * more. The log is read once for all watches of this process, after each nudge, for all organizations that have
 * news; a lost nudge costs one backstop poll. sse-route.ts and ops-socket.ts only change the framing.
 *
 * Not here: when a connection can take more (theirs), where a stream goes on (resume.ts), who may watch.
 */
import { formatCursor } from '../contract/cursor.ts';
import type { Database } from '../database/open.ts';
import type { EventBus } from '../events/bus.ts';
import {
  type LoggedEvent,
  type Position,
  readEventsAfter,
  readHeads,
  readStreamStates,
  type StreamState,
} from '../events/log.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { type Channel, createChannel } from './channel.ts';
import { createReader } from './reader.ts';
import { createLiveCounters, type LiveStats } from './stats.ts';
import { createWatch, type ReadLog, type Watch, type WatchPlan } from './watch.ts';

/** Events that one read of the log takes of one organization. */
const READ_AT_MOST = 500;

export interface Feed {
  /**
   * Begins watches, all of the same moment.
   *
   * @param onNews called when there may be something to take; it must return quickly and not throw
   */
  watch(plans: ReadonlyMap<number, WatchPlan>, onNews: (organizationId: number) => void): Promise<Watch[]>;
  /** Every organization there is. */
  organizations(): Promise<number[]>;
  /** Hears of every organization that has news, with the cursor from which a new one is complete. */
  onOrganization(hear: (organizationId: number, beginning: string) => void): () => void;
  /** History was lost (a restore, a failover): every watch is void, and its connection has to begin anew. */
  onHistoryLost(hear: () => void): () => void;
  readonly stats: LiveStats;
  close(): void;
}

interface Watched {
  channel: Channel;
  listeners: Set<(organizationId: number) => void>;
}

export function createFeed({ sql }: Database, bus: EventBus, logger: Logger): Feed {
  const watched = new Map<number, Watched>();
  const everything = new Set<(organizationId: number, beginning: string) => void>();
  const historians = new Set<() => void>();
  const stats = createLiveCounters();
  let epoch = '';

  const noteEpoch = (current: string): void => {
    if (epoch !== '' && current !== epoch) {
      watched.clear();
      for (const hear of historians) hear();
    }
    epoch = current;
  };
  const hear = (organizationId: number): void => {
    if (watched.has(organizationId)) reader.read([organizationId]);
    for (const listener of everything) listener(organizationId, formatCursor(epoch, 0));
  };
  const readNews = async (organizationIds: readonly number[]): Promise<void> => {
    const positions = organizationIds.flatMap((id): Position[] => {
      const channel = watched.get(id)?.channel;
      return channel === undefined ? [] : [{ organizationId: id, seq: channel.head }];
    });
    const events = await readEventsAfter(sql, epoch, positions, { limit: READ_AT_MOST });
    for (const [id, news] of byOrganization(events)) {
      const entry = watched.get(id);
      entry?.channel.append(news);
      for (const listener of entry?.listeners ?? []) listener(id);
      for (const event of news) stats.noteLag(Date.parse(event.at));
      if (news.length === READ_AT_MOST) reader.read([id]);
    }
  };
  const lookForNews = async (): Promise<void> => {
    if (watched.size === 0 && everything.size === 0) return;
    const heads = await readHeads(sql);
    noteEpoch(heads.epoch);
    for (const { organizationId, seq } of heads.positions) {
      if (seq > (watched.get(organizationId)?.channel.head ?? 0)) hear(organizationId);
    }
  };
  const reader = createReader(readNews, (error) =>
    logger.warn(safeError(error), 'Reading the event log failed; the next poll tries again'),
  );
  reader.startPolling(lookForNews);
  const leaveBus = [bus.subscribe((nudge) => nudge.organizations.forEach(hear)), bus.onGap(reader.poll)];

  const begin = (state: StreamState, plan: WatchPlan, onNews: (organizationId: number) => void): Watch => {
    noteEpoch(state.epoch);
    const id = state.organizationId;
    const entry = watched.get(id) ?? { channel: createChannel(state), listeners: new Set() };
    watched.set(id, entry);
    // A listener of its own for each watch: one connection may watch an organization twice.
    const listener = () => onNews(id);
    entry.listeners.add(listener);
    // The state may be newer than what the channel has read. Then the channel reads on, and the watch waits for it.
    if (state.head > entry.channel.head) reader.read([id]);
    const readLog: ReadLog = (after, options) => {
      // Only who is too far behind to be given every event asks for ends alone.
      if (options.terminal) stats.folded += 1;
      return readEventsAfter(sql, state.epoch, [{ organizationId: id, seq: after }], options);
    };
    return createWatch(entry.channel, state, plan, readLog, () => {
      entry.listeners.delete(listener);
      if (entry.listeners.size === 0 && watched.get(id) === entry) watched.delete(id);
    });
  };

  return {
    stats,
    async watch(plans, onNews) {
      const states = await readStreamStates(sql, [...plans.keys()]);
      return states.flatMap((state) => {
        const plan = plans.get(state.organizationId);
        return plan === undefined ? [] : [begin(state, plan, onNews)];
      });
    },
    async organizations() {
      const heads = await readHeads(sql);
      noteEpoch(heads.epoch);
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
    close() {
      for (const leave of leaveBus) leave();
      reader.stop();
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
