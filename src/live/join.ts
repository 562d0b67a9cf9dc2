/**
 * How a watch begins: the organization's state at one moment, and everything after that moment.
 *
 * From memory for clients that come back and whose place it holds: then a thousand of them at once cost no query. From
 * the database otherwise; and from memory again when the database does not answer, since a stream that can be served is.
 */
import { parseCursor } from '../contract/cursor.ts';
import type { EventLog } from '../events/event-log.ts';
import { HistoryLostError, type StreamState } from '../events/log.ts';
import type { HistoryGuard } from './history-guard.ts';
import type { Reader } from './reader.ts';
import type { Place, Shelf } from './shelf.ts';
import type { LiveCounters } from './stats.ts';
import { createWatch, type Watch, type WatchPlan, type WatchTools } from './watch.ts';

export interface JoinTools {
  log: EventLog;
  shelf: Shelf;
  guard: HistoryGuard;
  reader: Reader;
  counters: LiveCounters;
  /** The place of an organization whose memory is up to date. */
  trusted: (organizationId: number) => Place | undefined;
}

type Plans = ReadonlyMap<number, WatchPlan>;

/**
 * Begins watches, all of the same moment.
 *
 * @param onNews called when there may be something to take; it must return quickly and not throw
 */
export type Join = (plans: Plans, onNews: (organizationId: number) => void) => Promise<Watch[]>;

export function createJoin(tools: JoinTools): Join {
  const { shelf, guard, reader, trusted } = tools;
  const forWatches = toolsOfWatches(tools);

  const begin = (state: StreamState, plan: WatchPlan, onNews: (organizationId: number) => void): Watch => {
    guard.note(state.epoch);
    const id = state.organizationId;
    const isNew = shelf.get(id) === undefined;
    const place = shelf.open(state);
    shelf.touch(id);
    // The state may be newer than what the channel has read; and a new channel is trusted once it was read after it was made.
    if (isNew || state.head > place.channel.head) reader.read([id]);
    return createWatch(place, state, plan, forWatches, onNews);
  };

  return async (plans, onNews) => {
    // A fresh client is told what is true now, not what was a nudge's way ago; one that comes back goes on from its cursor.
    const isResumed = [...plans.values()].every(({ since }) => since !== undefined);
    const remembered = isResumed ? statesInMemory(plans, trusted) : undefined;
    const states = remembered ?? (await readStates(tools, plans));
    return states.flatMap((state) => {
      const plan = plans.get(state.organizationId);
      return plan === undefined ? [] : [begin(state, plan, onNews)];
    });
  };
}

/** One for all watches. */
function toolsOfWatches({ log, shelf, counters }: JoinTools): WatchTools {
  return {
    after(epoch, position, options) {
      counters.catchUpReads += 1;
      return log.readAfter(epoch, [position], options);
    },
    async state(organizationId) {
      const [now] = await log.readStates([organizationId]);
      if (now === undefined) throw new HistoryLostError('A state was asked for and not given.');
      return now;
    },
    onFold() {
      counters.folded += 1;
    },
    onLeft: shelf.touch,
  };
}

async function readStates({ log, shelf }: JoinTools, plans: Plans): Promise<StreamState[]> {
  try {
    return await log.readStates([...plans.keys()]);
  } catch (error) {
    // The database is away. What it said last still stands, for those who can go on from it.
    const remembered = statesInMemory(plans, shelf.get);
    if (remembered === undefined) throw error;
    return remembered;
  }
}

/** Undefined when one of them is not there: all states are of the same moment. */
function statesInMemory(
  plans: Plans,
  placeOf: (organizationId: number) => Place | undefined,
): StreamState[] | undefined {
  const states = [...plans].map(([id, plan]) => stateInMemory(placeOf(id), plan));
  const known = states.filter((state) => state !== undefined);
  return known.length === states.length ? known : undefined;
}

/** Undefined when the ring does not hold what this client asks for. */
function stateInMemory(place: Place | undefined, { since }: WatchPlan): StreamState | undefined {
  const state = place?.channel.state();
  if (state === undefined || since === undefined) return state;
  const cursor = parseCursor(since);
  if (cursor === undefined || cursor.epoch !== state.epoch) return undefined;
  const isHeld = cursor.seq <= BigInt(state.head) && cursor.seq + 1n >= BigInt(state.oldest);
  return isHeld ? state : undefined;
}
