/**
 * News: what the log has and the shelf has not, read once for all watches of this process, put where it belongs, and told.
 *
 * Not here: when to read, and how often (reader.ts).
 */
import type { EventLog } from '../events/event-log.ts';
import type { LoggedEvent, Position } from '../events/log.ts';
import type { HistoryGuard } from './history-guard.ts';
import type { Shelf } from './shelf.ts';
import type { LiveCounters } from './stats.ts';

/** Events that one read of the log takes of one organization. */
const READ_AT_MOST = 500;

export interface NewsTools {
  log: EventLog;
  shelf: Shelf;
  guard: HistoryGuard;
  counters: LiveCounters;
}

/** @returns the organizations of which there is more to read */
export async function readNews(tools: NewsTools, organizationIds: readonly number[]): Promise<number[]> {
  const { log, shelf, guard, counters } = tools;
  const positions = organizationIds.flatMap((organizationId): Position[] => {
    const channel = shelf.get(organizationId)?.channel;
    return channel === undefined ? [] : [{ organizationId, seq: channel.head }];
  });
  const { epoch } = guard;
  counters.logReads += 1;
  const events = await log.readAfter(epoch, positions, { limit: READ_AT_MOST });
  // What was read belongs to the channels of that epoch.
  if (epoch !== guard.epoch) return [];
  const groups = [...byOrganization(events)];
  for (const [id, news] of groups) handOn(tools, id, news);
  shelf.fit();
  const unread = groups.filter(([, news]) => news.length === READ_AT_MOST).map(([id]) => id);
  return [...unread, ...(await settle(tools, organizationIds))];
}

function handOn({ shelf, counters }: NewsTools, id: number, news: readonly LoggedEvent[]): void {
  const place = shelf.get(id);
  if (place === undefined) return;
  place.channel.append(news);
  for (const watcher of place.watchers) watcher.onNews();
  if (place.watchers.size > 0) counters.noteLag(Date.parse(news.at(-1)?.at ?? ''));
}

/** Another program moved the start of a run: which one is the latest now, only the table knows. @returns who is still unsure */
async function settle({ log, shelf }: NewsTools, organizationIds: readonly number[]): Promise<number[]> {
  const isUnsure = (id: number) => shelf.get(id)?.channel.isSure === false;
  const unsure = organizationIds.filter(isUnsure);
  if (unsure.length === 0) return [];
  for (const state of await log.readStates(unsure)) shelf.get(state.organizationId)?.channel.settle(state);
  return unsure.filter(isUnsure);
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
