/**
 * The hub: delivers the past and future events of an organization's runs to the subscribers of this process.
 *
 * Replay and live delivery are one path: a subscriber has a cursor, and `take` returns the frames after it. After each
 * nudge the log is read once for all subscribers of all organizations with new events. A lost nudge delays events until the
 * next backstop poll. sse-connection.ts and websocket-connection.ts only change the framing.
 *
 * ```mermaid
 * sequenceDiagram
 *   EventBus->>Hub: nudge (organization ids)
 *   Hub->>LogPoller: read(ids)
 *   LogPoller->>EventLog: readAfter(heads of the channels)
 *   EventLog-->>LogPoller: events
 *   LogPoller->>Channel: append(events)
 *   LogPoller->>Subscriber: onNews()
 *   Subscriber->>SocketWriter: markDirty(subscriber)
 *   Note over SocketWriter: end of the loop turn, socket not full
 *   SocketWriter->>Subscriber: take()
 *   Subscriber->>Channel: framesAfter(cursor)
 *   Channel-->>Subscriber: frames
 *   Subscriber-->>SocketWriter: frames
 *   SocketWriter->>Socket: write(frames of all dirty subscribers)
 *   Socket-->>SocketWriter: drain
 * ```
 *
 * If the channel no longer holds the frames, the socket writer calls `catchUp` of the subscriber, which reads the event log.
 *
 * Not here: one read of the log (read-new-events.ts), the start of a subscriber (subscribe.ts) and its first cursor
 * (resume.ts), backpressure (socket-writer.ts), the check of the epoch (epoch-guard.ts), authorization
 * (stream-authorization.ts).
 */
import { formatCursor } from '#contract/cursor.ts';
import type { EventBus } from '../events/event-bus.ts';
import type { EventLog } from '../events/event-log.ts';
import { HistoryLostError, type Position } from '../events/event-queries.ts';
import type { LatestRunCache } from '../events/latest-run-cache.ts';
import { createFailureLog } from '../logging/failure-log.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { type CacheEntry, type ChannelCache, createChannelCache } from './channel-cache.ts';
import { createEpochGuard, type EpochGuard } from './epoch-guard.ts';
import { createLogPoller, type LogPoller } from './log-poller.ts';
import { createNewEventsReader } from './read-new-events.ts';
import { createRecentPolls, type RecentPolls } from './recent-polls.ts';
import { shareRead } from './shared-reads.ts';
import { createLiveCounters } from './stats.ts';
import { createSubscribe, type Subscribe } from './subscribe.ts';
import { watchUnloggedChanges } from './unlogged-watch.ts';

/** Responses come from memory only within this time after the last successful poll of the log. */
const FRESH_MS = 2_000;

/** Between two comparisons of all heads; in between only changed ones are compared. */
const COMPARE_ALL_MS = 60_000;

export class Hub {
  readonly subscribe: Subscribe;
  /** The latest runs that the poll route may return from memory. */
  readonly latestRuns: LatestRunCache;
  readonly counters = createLiveCounters();
  readonly #log: EventLog;
  readonly #bus: EventBus;
  readonly #cache: ChannelCache;
  readonly #guard: EpochGuard;
  readonly #poller: LogPoller;
  readonly #readOrganizations: EventLog['readOrganizations'];
  readonly #unsubscribeBus: (() => void)[];
  readonly #organizationListeners = new Set<(organizationId: number, startCursor: string) => void>();
  readonly #historyLostListeners = new Set<() => void>();
  /** Of the last read of the heads; undefined: the next one compares all. */
  #horizon: string | undefined;
  #comparedAllAt = Number.NEGATIVE_INFINITY;
  /** Counts the reasons to compare all heads. */
  #fullComparisonsAsked = 0;

  constructor(log: EventLog, bus: EventBus, logger: Logger) {
    const { counters } = this;
    const cache = createChannelCache({ following: bus });
    const polls = createRecentPolls();
    this.#log = log;
    this.#bus = bus;
    this.#cache = cache;
    const guard = createEpochGuard(log, cache, () => {
      logger.warn(
        'The database has another event history than before, as after a restored backup; all streams continue from a snapshot',
      );
      for (const listener of this.#historyLostListeners) listener();
    });
    const deps = { log, cache, guard, counters };
    const onFailed = createFailureLog(logger, 'Reading the event log failed; the next poll tries again');
    const poller = createLogPoller({
      readNewEvents: createNewEventsReader(deps),
      findMissed: () => this.#poll(),
      isHealthy: () => bus.healthy,
      spacingMs: log.spacingMs,
      onFailure: (error) => {
        // The events of the failed read may be older than the last horizon.
        this.#requireFullComparison();
        if (error instanceof HistoryLostError) poller.poll();
        else onFailed(error);
      },
    });
    this.#guard = guard;
    this.#poller = poller;
    this.#readOrganizations = shareRead(() => log.readOrganizations());
    this.#unsubscribeBus = [
      bus.subscribe((nudge) => {
        for (const id of nudge.organizations) this.#onNews(id);
      }),
      // After a reconnection of the listener another database may respond.
      bus.onMissed(() => this.compareAll()),
      watchUnloggedChanges({
        log,
        watched: () => new Set([...[...cache.entries()].map(([id]) => id), ...polls.ids()]),
        onFailure: (error) =>
          logger.debug(
            safeError(error),
            'Comparing sync_logs with its events failed; the next check tries again',
          ),
      }),
    ];
    const freshEntry = (id: number) => this.#freshEntry(id);
    this.subscribe = createSubscribe({ log, cache, guard, poller, counters, freshEntry });
    this.latestRuns = createLatestRunCache(cache, polls, freshEntry, poller.read);
  }

  /**
   * Every organization that is registered or has an event stream: those with a run in progress first, then those with the
   * newest runs.
   */
  async organizations(): Promise<number[]> {
    const { epoch, ids } = await this.#readOrganizations();
    this.#guard.observe(epoch);
    return ids;
  }

  /** Compares all heads now, not only those that changed: an event may be unread although its organization was found before. */
  compareAll(): void {
    this.#requireFullComparison();
    this.#poller.poll();
  }

  /** `listener` gets each organization with new events, and the cursor before its first event. */
  onOrganization(listener: (organizationId: number, startCursor: string) => void): () => void {
    this.#organizationListeners.add(listener);
    const unfollow = this.#bus.followAll();
    return () => {
      this.#organizationListeners.delete(listener);
      unfollow();
    };
  }

  /** The history was lost (a restore, a failover): every subscriber is invalid, and its connection must restart. */
  onHistoryLost(listener: () => void): void {
    this.#historyLostListeners.add(listener);
  }

  /** `poll` while nudges do not arrive: events come later, but all come. */
  get mode(): 'listen' | 'poll' {
    return this.#bus.healthy ? 'listen' : 'poll';
  }

  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribeBus) unsubscribe();
    this.#poller.stop();
    await this.#log.close();
  }

  #requireFullComparison(): void {
    this.#fullComparisonsAsked += 1;
    this.#horizon = undefined;
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
    for (const { organizationId, seq } of await this.#readHeads()) {
      if (seq > (cache.get(organizationId)?.channel.head ?? 0)) this.#onNews(organizationId);
    }
    // An earlier refresh of the latest run failed.
    for (const [id, { channel }] of cache.entries()) if (!channel.isLatestKnown) this.#onNews(id);
  }

  /** The heads that changed since the last call; all of them once a minute, and after a call of `#requireFullComparison`. */
  async #readHeads(): Promise<readonly Position[]> {
    if (performance.now() - this.#comparedAllAt > COMPARE_ALL_MS) this.#horizon = undefined;
    const [since, asked, { epoch }] = [this.#horizon, this.#fullComparisonsAsked, this.#guard];
    const heads = await this.#guard.readHeads(since);
    if (since === undefined) this.#comparedAllAt = performance.now();
    const isCovered = asked === this.#fullComparisonsAsked && (since === undefined || epoch === heads.epoch);
    this.#horizon = isCovered ? heads.horizon : undefined;
    return heads.positions;
  }

  /** The cache entry of the organization, if it is at most one nudge behind the database. */
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
  polls: RecentPolls,
  freshEntry: (organizationId: number) => CacheEntry | undefined,
  read: (organizationIds: readonly number[]) => void,
): LatestRunCache {
  return {
    get(organizationId) {
      polls.add(organizationId);
      cache.touch(organizationId);
      const channel = freshEntry(organizationId)?.channel;
      const state = channel?.state();
      if (channel === undefined || state === undefined) return undefined;
      return {
        epoch: channel.epoch,
        head: channel.head,
        log: state.latest?.log ?? null,
        hasOlder: state.hasOlder,
      };
    },
    observe(organizationId, { epoch, head, hasOlder }) {
      const entry = cache.get(organizationId);
      if (hasOlder !== undefined && entry?.channel.epoch === epoch) entry.channel.setHasOlder(head, hasOlder);
      if (entry === undefined || entry.channel.epoch !== epoch || head <= entry.observedSeq) return;
      entry.observedSeq = head;
      if (head > entry.channel.head) read([organizationId]);
    },
  };
}
