/** One read for all subscribers, after an outage in which many organizations had many events. */
import { describe, expect, test, vi } from 'vitest';
import type { EventLog } from '../../src/events/event-log.ts';
import type { LoggedEvent } from '../../src/events/event-queries.ts';
import { createChannelCache } from '../../src/live/channel-cache.ts';
import { readNewEvents } from '../../src/live/read-new-events.ts';
import { createLiveCounters } from '../../src/live/stats.ts';

const AT = '2026-11-24T00:00:00.000Z';
const ORGANIZATIONS = Array.from({ length: 600 }, (_, index) => index + 1);
const HEAD = 60;

const eventOf = (organizationId: number, seq: number): LoggedEvent => ({
  organizationId,
  seq,
  type: 'progress',
  at: AT,
  run: null,
  json: '{}',
});

/** A log in which each organization has `HEAD` events, and channels that have none of them. */
function openBehind() {
  const cache = createChannelCache();
  for (const organizationId of ORGANIZATIONS)
    cache.open({ organizationId, epoch: 'e', head: 0, oldest: 1, latest: null, at: AT });
  const readAfter = vi.fn<EventLog['readAfter']>(async (_epoch, positions, { limit }) =>
    positions.flatMap(({ organizationId, seq }) =>
      Array.from({ length: Math.min(limit, HEAD - seq) }, (_, n) => eventOf(organizationId, seq + 1 + n)),
    ),
  );
  const log = { readAfter, readStates: async () => [] } as Partial<EventLog> as EventLog;
  const guard = {
    epoch: 'e',
    observe: () => {},
    readHeads: () => Promise.reject(new Error('Not read here.')),
  };
  return { deps: { log, cache, guard, counters: createLiveCounters() }, readAfter };
}

describe('new events of many organizations', () => {
  test('are read in statements of a limited size, until none is left', async () => {
    const { deps, readAfter } = openBehind();
    let behind: readonly number[] = ORGANIZATIONS;
    while (behind.length > 0) behind = await readNewEvents(deps, behind);

    expect([...deps.cache.entries()].every(([, { channel }]) => channel.head === HEAD)).toBe(true);
    const sizes = readAfter.mock.calls.map(([, positions, { limit }]) => positions.length * limit);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5_000);
    // Not one statement for each organization.
    expect(readAfter.mock.calls.length).toBeLessThan(20);
  });

  test('are read 500 at once when they are of one organization', async () => {
    const { deps, readAfter } = openBehind();
    await readNewEvents(deps, [7]);
    expect(readAfter).toHaveBeenCalledExactlyOnceWith('e', [{ organizationId: 7, seq: 0 }], { limit: 500 });
  });
});
