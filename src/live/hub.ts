/**
 * The feed: everything that has happened to an organization's runs, then everything that happens next.
 *
 * Replay and live are one path: a watch has a cursor, `take` gives what comes after it, a nudge says that there is
 * more. The log is read once for all watches of this process, after each nudge, for all organizations that have
 * news; a lost nudge costs one backstop poll. sse-route.ts and websocket-connection.ts only change the framing.
 *
 * Not here: what a read does (read-new-events.ts), how a watch joins (subscribe.ts) and where it goes on (resume.ts), when a connection can take
 * more (theirs), which history is the right one (epoch-guard.ts), who may watch.
 */
import { formatCursor } from '#contract/cursor.ts';
import type { EventBus } from '../events/event-bus.ts';
import type { EventLog } from '../events/event-log.ts';
import { HistoryLostError } from '../events/event-queries.ts';
import type { LatestRunCache } from '../events/latest-run-cache.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { type CacheEntry, type ChannelCache, createChannelCache } from './channel-cache.ts';
import { createEpochGuard, type EpochGuard } from './epoch-guard.ts';
import { createLogPoller, type LogPoller } from './log-poller.ts';
import { readNewEvents } from './read-new-events.ts';
import { createLiveCounters, type LiveCounters, type LiveStats } from './stats.ts';
import { createSubscribe, type Subscribe } from './subscribe.ts';
import { watchUnloggedChanges } from './unlogged-watch.ts';

/** What is in memory is given out as the truth for so long after the last look at the database. */
const FRESH_MS = 2_000;

/** The poll that finds what a lost nudge left, jittered, so that many servers do not ask in step. */
const pollDelayMs = (healthy: boolean) => (healthy ? 1_000 : 400) * (1 + Math.random() * 0.7);

export class Hub {
  readonly subscribe: Subscribe;
  /** What polls may be answered with from memory. */
  readonly latestRuns: LatestRunCache;
  readonly counters = createLiveCounters();
  readonly #log: EventLog;
  readonly #bus: EventBus;
  readonly #cache: ChannelCache;
  readonly #guard: EpochGuard;
  readonly #poller: LogPoller;
  readonly #unsubscribeBus: (() => void)[];
  readonly #organizationListeners = new Set<(organizationId: number, startCursor: string) => void>();
  readonly #historyLostListeners = new Set<() => void>();

  constructor(log: EventLog, bus: EventBus, logger: Logger, cache: ChannelCache = createChannelCache()) {
    const { counters } = this;
    this.#log = log;
    this.#bus = bus;
    this.#cache = cache;
    const guard = createEpochGuard(log, cache, () => {
      counters.historiesLost += 1;
      logger.warn('The database holds another history than before; streams begin anew');
      for (const listener of this.#historyLostListeners) listener();
    });
    const deps = { log, cache, guard, counters };
    const poller = createLogPoller({
      readNewEvents: (organizationIds) => readNewEvents(deps, organizationIds),
      findMissed: () => this.#poll(),
      pollDelayMs: () => pollDelayMs(bus.healthy),
      onFailure(error) {
        if (error instanceof HistoryLostError) poller.poll();
        else logger.warn(safeError(error), 'Reading the event log failed; the next poll tries again');
      },
    });
    this.#guard = guard;
    this.#poller = poller;
    this.#unsubscribeBus = [
      bus.subscribe((nudge) => {
        for (const id of nudge.organizations) this.#onNews(id);
      }),
      // After every reconnection of the listener: another database may answer now.
      bus.onMissed(poller.poll),
      watchUnloggedChanges({
        log,
        watched: () => [...cache.entries()].map(([id]) => id),
        onFailure: (error) =>
          logger.debug(
            safeError(error),
            'Comparing sync_logs with its events failed; the next look tries again',
          ),
      }),
    ];
    const freshEntry = (id: number) => this.#freshEntry(id);
    this.subscribe = createSubscribe({ log, cache, guard, poller, counters, freshEntry });
    this.latestRuns = createLatestRunCache(cache, freshEntry, poller.read, counters);
  }

  /** Every organization there is. */
  async organizations(): Promise<number[]> {
    const heads = await this.#guard.readHeads();
    return heads.positions.map((position) => position.organizationId);
  }

  /** Hears of every organization that has news, with the cursor from which a new one is complete. */
  onOrganization(listener: (organizationId: number, startCursor: string) => void): () => void {
    this.#organizationListeners.add(listener);
    return () => this.#organizationListeners.delete(listener);
  }

  /** History was lost (a restore, a failover): every watch is void, and its connection has to begin anew. */
  onHistoryLost(listener: () => void): () => void {
    this.#historyLostListeners.add(listener);
    return () => this.#historyLostListeners.delete(listener);
  }

  get stats(): LiveStats {
    const { counters } = this;
    counters.listenerHealthy = this.#bus.healthy;
    counters.ringBytes = 0;
    for (const [, { channel }] of this.#cache.entries()) counters.ringBytes += channel.bytes;
    return counters;
  }

  /** `poll` while nudges do not arrive: slower, nothing else. */
  get mode(): 'listen' | 'poll' {
    return this.#bus.healthy ? 'listen' : 'poll';
  }

  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribeBus) unsubscribe();
    this.#poller.stop();
    await this.#log.close();
  }

  #onNews(organizationId: number): void {
    if (this.#cache.get(organizationId) !== undefined) this.#poller.read([organizationId]);
    const startCursor = formatCursor(this.#guard.epoch, 0);
    for (const listener of this.#organizationListeners) listener(organizationId, startCursor);
  }

  async #poll(): Promise<void> {
    const cache = this.#cache;
    cache.removeIdle();
    if (cache.size === 0 && this.#organizationListeners.size === 0) return;
    const heads = await this.#guard.readHeads();
    for (const { organizationId, seq } of heads.positions) {
      const channel = cache.get(organizationId)?.channel;
      // Unsure: the question which run is the latest was not answered.
      if (seq > (channel?.head ?? 0) || channel?.isLatestKnown === false) this.#onNews(organizationId);
    }
  }

  /** The organization's place, when what it holds is known to be no older than a nudge's way. */
  #freshEntry(id: number): CacheEntry | undefined {
    const poller = this.#poller;
    const entry = this.#cache.get(id);
    if (entry === undefined || !this.#bus.healthy || poller.polledMsAgo > FRESH_MS || poller.isBehind(id))
      return;
    return entry.observedSeq <= entry.channel.head && entry.channel.isLatestKnown ? entry : undefined;
  }
}

function createLatestRunCache(
  cache: ChannelCache,
  freshEntry: (organizationId: number) => CacheEntry | undefined,
  read: (organizationIds: readonly number[]) => void,
  counters: LiveCounters,
): LatestRunCache {
  return {
    get(organizationId) {
      cache.touch(organizationId);
      const channel = freshEntry(organizationId)?.channel;
      const state = channel?.state();
      if (channel === undefined || state === undefined) return undefined;
      counters.pollsFromMemory += 1;
      return {
        epoch: channel.epoch,
        head: channel.head,
        log: state.latest?.log ?? null,
        hasOlder: state.hasOlder,
      };
    },
    observe(organizationId, { epoch, head, hasOlder }) {
      const entry = cache.get(organizationId);
      if (hasOlder !== undefined && entry?.channel.epoch === epoch) entry.channel.learn(head, hasOlder);
      if (entry === undefined || entry.channel.epoch !== epoch || head <= entry.observedSeq) return;
      entry.observedSeq = head;
      if (head > entry.channel.head) read([organizationId]);
    },
  };
}
