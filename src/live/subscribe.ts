/**
 * Starts subscribers: the state of the organization at one `seq`, then all events after it.
 *
 * The state comes from memory for clients that resume from a cursor in the ring: a thousand of them at once cost no query.
 * Otherwise it comes from the database. If the database does not respond, memory serves every stream that it can.
 */
import { parseCursor } from '#contract/cursor.ts';
import type { PoolSlots } from '../database/pool-slots.ts';
import type { EventLog } from '../events/event-log.ts';
import { HistoryLostError, type StreamState } from '../events/event-queries.ts';
import { createAdaptiveLimit } from './adaptive-limit.ts';
import type { CacheEntry, ChannelCache } from './channel-cache.ts';
import { createClientReads } from './client-reads.ts';
import type { EpochGuard } from './epoch-guard.ts';
import type { LogPoller } from './log-poller.ts';
import { shareStates } from './shared-reads.ts';
import type { LiveCounters } from './stats.ts';
import {
  OrganizationSubscriber,
  type SubscribeOptions,
  type Subscriber,
  type SubscriberDeps,
} from './subscriber.ts';

export interface SubscribeDeps {
  log: EventLog;
  cache: ChannelCache;
  guard: EpochGuard;
  poller: LogPoller;
  counters: LiveCounters;
  /** The cache entry of an organization, if it is up to date. */
  freshEntry: (organizationId: number) => CacheEntry | undefined;
}

/** Maximum events of one catch-up read. */
const BATCH_SIZE = 128;

/** A stream that is open can wait for its turn. */
const CATCH_UP_WAIT_MS = 30_000;

type Requests = ReadonlyMap<number, SubscribeOptions>;

/** Starts one subscriber for each request, all from consistent states. */
export type Subscribe = (requests: Requests) => Promise<Subscriber[]>;

export function createSubscribe(deps: SubscribeDeps): Subscribe {
  const { cache, guard, poller, freshEntry } = deps;
  const subscriberDeps = subscriberDepsOf(deps, createClientReads(CATCH_UP_WAIT_MS));
  const readShared = shareStates(deps.log);

  const start = (state: StreamState, options: SubscribeOptions): Subscriber => {
    guard.observe(state.epoch);
    const id = state.organizationId;
    const isNew = cache.get(id) === undefined;
    const entry = cache.open(state);
    cache.touch(id);
    // The state may be newer than the channel. A new channel also needs one read after its creation before it counts as fresh.
    if (isNew || state.head > entry.channel.head) poller.read([id]);
    const oldest = Math.max(state.oldest, entry.replayableFrom);
    return new OrganizationSubscriber(entry, { ...state, oldest }, options, subscriberDeps);
  };

  return async (requests) => {
    // A fresh client needs the present state, so it is read from the database; a resumed client continues from its cursor.
    const isResumed = [...requests.values()].every(({ since }) => since !== undefined);
    const remembered = isResumed ? statesInMemory(requests, freshEntry) : undefined;
    const states = remembered ?? (await readStates(deps, requests, readShared));
    return states.flatMap((state) => {
      const options = requests.get(state.organizationId);
      return options === undefined ? [] : [start(state, options)];
    });
  };
}

/** Shared by all subscribers. */
function subscriberDepsOf({ log, cache, counters }: SubscribeDeps, inTurn: PoolSlots): SubscriberDeps {
  const batch = createAdaptiveLimit(BATCH_SIZE);
  return {
    after: (epoch, position, { terminal }) =>
      inTurn(() =>
        batch.read(async (limit) => {
          const events = await log.readAfter(epoch, [position], { terminal, limit });
          return { events, hasMore: events.length === limit };
        }),
      ),
    async state(organizationId) {
      const [now] = await inTurn(() => log.readStates([organizationId]));
      if (now === undefined)
        throw new HistoryLostError('The event log returned no state for an organization.');
      return now;
    },
    onFold() {
      counters.folded += 1;
    },
    onEnded: cache.touch,
  };
}

async function readStates(
  { cache }: SubscribeDeps,
  requests: Requests,
  read: EventLog['readStates'],
): Promise<StreamState[]> {
  try {
    return await read([...requests.keys()]);
  } catch (error) {
    // The database is unavailable: clients that can start from the states in memory do so.
    const remembered = statesInMemory(requests, cache.get);
    if (remembered === undefined) throw error;
    return remembered;
  }
}

/** Undefined when one of them is missing: all states must come from one source. */
function statesInMemory(
  requests: Requests,
  entryOf: (organizationId: number) => CacheEntry | undefined,
): StreamState[] | undefined {
  const states = [...requests].map(([id, options]) => stateInMemory(entryOf(id), options));
  const known = states.filter((state) => state !== undefined);
  return known.length === states.length ? known : undefined;
}

/** Undefined when the ring does not hold the events after the client's cursor. */
function stateInMemory(entry: CacheEntry | undefined, { since }: SubscribeOptions): StreamState | undefined {
  const state = entry?.channel.state();
  if (state === undefined || since === undefined) return state;
  const cursor = parseCursor(since);
  if (cursor === undefined || cursor.epoch !== state.epoch) return undefined;
  const isHeld = cursor.seq <= BigInt(state.head) && cursor.seq + 1n >= BigInt(state.oldest);
  return isHeld ? state : undefined;
}
