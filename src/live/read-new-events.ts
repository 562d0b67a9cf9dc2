/**
 * News: what the log has and the shelf has not, read once for all watches of this process, put where it belongs, and told.
 *
 * Not here: when to read, and how often (log-poller.ts).
 */
import type { EventLog } from '../events/event-log.ts';
import type { LoggedEvent, Position } from '../events/event-queries.ts';
import type { ChannelCache } from './channel-cache.ts';
import type { EpochGuard } from './epoch-guard.ts';
import type { LiveCounters } from './stats.ts';

/** Events that one read of the log takes of one organization. */
const MAX_EVENTS_PER_READ = 500;

export interface ReadDeps {
  log: EventLog;
  cache: ChannelCache;
  guard: EpochGuard;
  counters: LiveCounters;
}

/** @returns the organizations of which there is more to read */
export async function readNewEvents(deps: ReadDeps, organizationIds: readonly number[]): Promise<number[]> {
  const { log, cache, guard, counters } = deps;
  const positions = organizationIds.flatMap((organizationId): Position[] => {
    const channel = cache.get(organizationId)?.channel;
    return channel === undefined ? [] : [{ organizationId, seq: channel.head }];
  });
  const { epoch } = guard;
  counters.logReads += 1;
  const events = await log.readAfter(epoch, positions, { limit: MAX_EVENTS_PER_READ });
  // What was read belongs to the channels of that epoch.
  if (epoch !== guard.epoch) return [];
  const groups = [...byOrganization(events)];
  for (const [id, events] of groups) distribute(deps, id, events);
  cache.evict();
  const unread = groups.filter(([, events]) => events.length === MAX_EVENTS_PER_READ).map(([id]) => id);
  return [...unread, ...(await refreshLatest(deps, organizationIds))];
}

function distribute({ cache, counters }: ReadDeps, id: number, events: readonly LoggedEvent[]): void {
  const entry = cache.get(id);
  if (entry === undefined) return;
  entry.channel.append(events);
  for (const watcher of entry.listeners) watcher.onNews();
  if (entry.listeners.size > 0) counters.noteLag(Date.parse(events.at(-1)?.at ?? ''));
}

/** Another program moved the start of a run: which one is the latest now, only the table knows. @returns who is still unsure */
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
