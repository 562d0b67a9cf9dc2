/** One read for all subscribers, after an outage in which many organizations had many events. */
import { describe, expect, test, vi } from 'vitest';
import { NoAnswerError } from '../../src/database/answer-limit.ts';
import type { EventLog } from '../../src/events/event-log.ts';
import type { LoggedEvent } from '../../src/events/event-queries.ts';
import { createChannelCache } from '../../src/live/channel-cache.ts';
import { createNewEventsReader } from '../../src/live/read-new-events.ts';
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
  const read = createNewEventsReader({ log, cache, guard, counters: createLiveCounters() });
  return { cache, guard, read, readAfter };
}

describe('new events of many organizations', () => {
  test('are read in statements of a limited size, until none is left', async () => {
    const { cache, read, readAfter } = openBehind();
    let behind: readonly number[] = ORGANIZATIONS;
    while (behind.length > 0) behind = await read(behind);

    expect([...cache.entries()].every(([, { channel }]) => channel.head === HEAD)).toBe(true);
    const sizes = readAfter.mock.calls.map(([, positions, { limit }]) => positions.length * limit);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5_000);
    // Not one statement for each organization.
    expect(readAfter.mock.calls.length).toBeLessThan(20);
  });

  test('are read 500 at once when they are of one organization', async () => {
    const { cache, read, readAfter } = openBehind();
    const evict = vi.spyOn(cache, 'evict');
    await read([7]);
    expect(readAfter).toHaveBeenCalledExactlyOnceWith('e', [{ organizationId: 7, seq: 0 }], { limit: 500 });
    // The limit of the memory applies after each read.
    expect(evict).toHaveBeenCalledOnce();
  });

  test('are not added when the history ended during the read', async () => {
    const { cache, guard, read, readAfter } = openBehind();
    const answer = readAfter.getMockImplementation();
    readAfter.mockImplementation(async (...wanted) => {
      guard.epoch = 'other';
      return (await answer?.(...wanted)) ?? [];
    });
    expect(await read([7])).toEqual([]);
    expect(cache.get(7)?.channel.head).toBe(0);
  });

  test('are read in smaller statements while an answer takes too long, and in larger ones again later', async () => {
    const { cache, read, readAfter } = openBehind();
    const answer = readAfter.getMockImplementation();
    const isSlow = { above: 300 };
    readAfter.mockImplementation(async (epoch, positions, options) => {
      if (positions.length * options.limit > isSlow.above) throw new NoAnswerError('Too much at once.');
      return (await answer?.(epoch, positions, options)) ?? [];
    });
    const sizes = () => readAfter.mock.calls.map(([, positions, { limit }]) => positions.length * limit);
    await expect(read(ORGANIZATIONS)).rejects.toThrow('Too much at once.');
    await expect(read(ORGANIZATIONS)).rejects.toThrow('Too much at once.');
    await expect(read([7])).rejects.toThrow('Too much at once.');
    await read([7]);
    expect(cache.get(7)?.channel.head).toBe(HEAD);

    isSlow.above = Number.POSITIVE_INFINITY;
    for (let behind: readonly number[] = ORGANIZATIONS; behind.length > 0; ) behind = await read(behind);
    expect([...cache.entries()].every(([, { channel }]) => channel.head === HEAD)).toBe(true);
    expect(sizes().at(-1)).toBeGreaterThan(300);
  });
});
