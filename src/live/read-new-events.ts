/**
 * Reads the events that the cache lacks, once for all subscribers of this process; appends them to their channels, and
 * notifies the listeners.
 *
 * Not here: when to read, and how often (log-poller.ts).
 */
import { portions } from '../database/portions.ts';
import type { EventLog } from '../events/event-log.ts';
import type { LoggedEvent, Position } from '../events/event-queries.ts';
import { createAdaptiveLimit } from './adaptive-limit.ts';
import type { ChannelCache } from './channel-cache.ts';
import type { EpochGuard } from './epoch-guard.ts';
import type { LiveCounters } from './stats.ts';

/**
 * Maximum events of one statement. After an outage many organizations have many new events: read at once, they would take more
 * memory than there is, or more time than an answer may take, again with each try.
 */
const MAX_EVENTS = 5_000;
/** Of these for one organization. */
const MAX_EVENTS_OF_ONE = 500;
/** Organizations of one statement. */
const PORTION = 250;

export interface ReadDeps {
  log: EventLog;
  cache: ChannelCache;
  guard: EpochGuard;
  counters: LiveCounters;
}

/** @returns reads the new events of organizations, and returns those with more to read */
export function createNewEventsReader(
  deps: ReadDeps,
): (organizationIds: readonly number[]) => Promise<number[]> {
  const limit = createAdaptiveLimit(MAX_EVENTS);
  return async (organizationIds) => {
    const behind: number[] = [];
    for (const portion of portions(organizationIds, Math.min(PORTION, limit.current)))
      behind.push(...(await limit.read((most) => readPortion(deps, portion, most))));
    return behind;
  };
}

/** @param most events of all organizations together, at least one for each */
async function readPortion(
  deps: ReadDeps,
  organizationIds: readonly number[],
  most: number,
): Promise<number[]> {
  const { log, cache, guard } = deps;
  const positions = organizationIds.flatMap((organizationId): Position[] => {
    const channel = cache.get(organizationId)?.channel;
    return channel === undefined ? [] : [{ organizationId, seq: channel.head }];
  });
  const { epoch } = guard;
  const limit = Math.min(MAX_EVENTS_OF_ONE, Math.floor(most / Math.max(1, positions.length)));
  const events = await log.readAfter(epoch, positions, { limit });
  // The events belong to channels that were dropped with their epoch.
  if (epoch !== guard.epoch) return [];
  const groups = [...byOrganization(events)];
  for (const [id, events] of groups) distribute(deps, id, events);
  cache.evict();
  const unread = groups.filter(([, events]) => events.length === limit).map(([id]) => id);
  return [...unread, ...(await refreshLatest(deps, organizationIds))];
}

function distribute({ cache, counters }: ReadDeps, id: number, events: readonly LoggedEvent[]): void {
  const entry = cache.get(id);
  if (entry === undefined) return;
  entry.channel.append(events);
  for (const listener of entry.listeners) listener.onNews();
  if (entry.listeners.size > 0) counters.onLag?.(Date.now() - Date.parse(events.at(-1)?.at ?? ''));
}

/** After another program moved the start of a run, only the table has the latest run. @returns the organizations still unknown */
async function refreshLatest(
  { log, cache }: ReadDeps,
  organizationIds: readonly number[],
): Promise<number[]> {
  const isStale = (id: number) => cache.get(id)?.channel.isLatestKnown === false;
  const stale = organizationIds.filter(isStale);
  if (stale.length === 0) return [];
  for (const state of await log.readStates(stale))
    cache.get(state.organizationId)?.channel.refreshLatest(state);
  return stale.filter(isStale);
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
