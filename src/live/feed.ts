/**
 * The feed: everything that has happened to an organization's runs, then everything that happens next.
 *
 * Replay and live are one path: a watch has a cursor, `take` gives what comes after it, a nudge says that there is
 * more. The log is read once for all watches of this process, after each nudge, for all organizations that have
 * news; a lost nudge costs one backstop poll. sse-route.ts and ops-socket.ts only change the framing.
 *
 * Not here: what a read does (news.ts), how a watch joins (join.ts) and where it goes on (resume.ts), when a connection can take
 * more (theirs), which history is the right one (history-guard.ts), who may watch.
 */
import { formatCursor } from '../contract/cursor.ts';
import type { EventBus } from '../events/bus.ts';
import type { EventLog } from '../events/event-log.ts';
import { HistoryLostError } from '../events/log.ts';
import type { Newest } from '../events/newest.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { createHistoryGuard, type HistoryGuard } from './history-guard.ts';
import { createJoin, type Join } from './join.ts';
import { readNews } from './news.ts';
import { createReader, type Reader } from './reader.ts';
import { createShelf, type Place, type Shelf } from './shelf.ts';
import { createLiveCounters, type LiveCounters, type LiveStats } from './stats.ts';
import { watchUnloggedChanges } from './unlogged-watch.ts';

/** What is in memory is given out as the truth for so long after the last look at the database. */
const TRUSTED_MS = 2_000;

/** The poll that finds what a lost nudge left, jittered, so that many servers do not ask in step. */
const pollDelayMs = (healthy: boolean) => (healthy ? 1_000 : 400) * (1 + Math.random() * 0.7);

export class Feed {
  readonly watch: Join;
  /** What polls may be answered with from memory. */
  readonly newest: Newest;
  readonly counters = createLiveCounters();
  readonly #log: EventLog;
  readonly #bus: EventBus;
  readonly #shelf: Shelf;
  readonly #guard: HistoryGuard;
  readonly #reader: Reader;
  readonly #leaveBus: (() => void)[];
  readonly #everything = new Set<(organizationId: number, beginning: string) => void>();
  readonly #historians = new Set<() => void>();

  constructor(log: EventLog, bus: EventBus, logger: Logger, shelf: Shelf = createShelf()) {
    const { counters } = this;
    this.#log = log;
    this.#bus = bus;
    this.#shelf = shelf;
    const guard = createHistoryGuard(log, shelf, () => {
      counters.historiesLost += 1;
      logger.warn('The database holds another history than before; streams begin anew');
      for (const hear of this.#historians) hear();
    });
    const news = { log, shelf, guard, counters };
    const reader = createReader({
      readNews: (organizationIds) => readNews(news, organizationIds),
      look: () => this.#look(),
      pollDelayMs: () => pollDelayMs(bus.healthy),
      onFailure(error) {
        if (error instanceof HistoryLostError) reader.poll();
        else logger.warn(safeError(error), 'Reading the event log failed; the next poll tries again');
      },
    });
    this.#guard = guard;
    this.#reader = reader;
    this.#leaveBus = [
      bus.subscribe((nudge) => {
        for (const id of nudge.organizations) this.#hear(id);
      }),
      // After every reconnection of the listener: another database may answer now.
      bus.onGap(reader.poll),
      watchUnloggedChanges({
        log,
        watched: () => [...shelf.entries()].map(([id]) => id),
        onFailure: (error) =>
          logger.debug(
            safeError(error),
            'Comparing sync_logs with its events failed; the next look tries again',
          ),
      }),
    ];
    const trusted = (id: number) => this.#trusted(id);
    this.watch = createJoin({ log, shelf, guard, reader, counters, trusted });
    this.newest = createNewest(shelf, trusted, reader.read, counters);
  }

  /** Every organization there is. */
  async organizations(): Promise<number[]> {
    const heads = await this.#guard.readHeads();
    return heads.positions.map((position) => position.organizationId);
  }

  /** Hears of every organization that has news, with the cursor from which a new one is complete. */
  onOrganization(hear: (organizationId: number, beginning: string) => void): () => void {
    this.#everything.add(hear);
    return () => this.#everything.delete(hear);
  }

  /** History was lost (a restore, a failover): every watch is void, and its connection has to begin anew. */
  onHistoryLost(hear: () => void): () => void {
    this.#historians.add(hear);
    return () => this.#historians.delete(hear);
  }

  get stats(): LiveStats {
    const { counters } = this;
    counters.listenerHealthy = this.#bus.healthy;
    counters.ringBytes = 0;
    for (const [, { channel }] of this.#shelf.entries()) counters.ringBytes += channel.bytes;
    return counters;
  }

  /** `poll` while nudges do not arrive: slower, nothing else. */
  get mode(): 'listen' | 'poll' {
    return this.#bus.healthy ? 'listen' : 'poll';
  }

  async close(): Promise<void> {
    for (const leave of this.#leaveBus) leave();
    this.#reader.stop();
    await this.#log.close();
  }

  #hear(organizationId: number): void {
    if (this.#shelf.get(organizationId) !== undefined) this.#reader.read([organizationId]);
    const beginning = formatCursor(this.#guard.epoch, 0);
    for (const listener of this.#everything) listener(organizationId, beginning);
  }

  async #look(): Promise<void> {
    const shelf = this.#shelf;
    shelf.sweep();
    if (shelf.size === 0 && this.#everything.size === 0) return;
    const heads = await this.#guard.readHeads();
    for (const { organizationId, seq } of heads.positions) {
      const channel = shelf.get(organizationId)?.channel;
      // Unsure: the question which run is the latest was not answered.
      if (seq > (channel?.head ?? 0) || channel?.isSure === false) this.#hear(organizationId);
    }
  }

  /** The organization's place, when what it holds is known to be no older than a nudge's way. */
  #trusted(id: number): Place | undefined {
    const reader = this.#reader;
    const place = this.#shelf.get(id);
    if (place === undefined || !this.#bus.healthy || reader.lookedMsAgo > TRUSTED_MS || reader.isBehind(id))
      return;
    return place.shown <= place.channel.head && place.channel.isSure ? place : undefined;
  }
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
      return {
        epoch: channel.epoch,
        head: channel.head,
        log: state.latest?.log ?? null,
        hasOlder: state.hasOlder,
      };
    },
    shown(organizationId, { epoch, head, hasOlder }) {
      const place = shelf.get(organizationId);
      if (hasOlder !== undefined && place?.channel.epoch === epoch) place.channel.learn(head, hasOlder);
      if (place === undefined || place.channel.epoch !== epoch || head <= place.shown) return;
      place.shown = head;
      if (head > place.channel.head) read([organizationId]);
    },
  };
}
