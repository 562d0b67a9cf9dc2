/** The memory limit of all rings together, and the order of eviction. */
import { describe, expect, test } from 'vitest';
import type { LoggedEvent } from '../../src/events/event-queries.ts';
import { createChannelCache } from '../../src/live/channel-cache.ts';

const state = (organizationId: number) => ({
  organizationId,
  epoch: 'e',
  head: 0,
  oldest: 1,
  latest: null,
  at: '2026-11-24T00:00:00.000Z',
});

function event(organizationId: number, seq: number, bytes: number): LoggedEvent {
  const json = JSON.stringify({ filler: 'x'.repeat(bytes) });
  return { organizationId, seq, type: 'progress', at: '2026-11-24T00:00:00.000Z', run: null, json };
}

describe('the channel cache', () => {
  test('evicts channels without listeners first, then the least recently used ring', () => {
    const cache = createChannelCache({ maxBytes: 10_000 });
    for (const id of [1, 2, 3]) {
      const { channel, listeners } = cache.open(state(id));
      if (id !== 2) listeners.add({ onNews: () => {} });
      channel.append([event(id, 1, 3_000)]);
    }
    cache.evict();
    expect([...cache.entries()].map(([id]) => id)).toEqual([1, 2, 3]);

    cache.touch(1);
    cache.get(3)?.channel.append([event(3, 2, 3_000)]);
    cache.evict();
    expect([...cache.entries()].map(([id]) => id)).toEqual([3, 1]);
    expect(cache.get(3)?.channel.framesAfter(0)).toHaveLength(2);

    cache.get(1)?.channel.append([event(1, 2, 3_000)]);
    cache.evict();
    expect(cache.get(3)?.channel).toMatchObject({ head: 2, bytes: 0 });
    expect(cache.get(3)?.channel.framesAfter(1)).toBeUndefined();
    expect(cache.get(1)?.channel.framesAfter(0)).toHaveLength(2);
  });

  test('removes channels that are idle without listeners', () => {
    const cache = createChannelCache({ lingerMs: -1 });
    cache.open(state(1));
    cache.open(state(2)).listeners.add({ onNews: () => {} });
    cache.removeIdle();
    expect([...cache.entries()].map(([id]) => id)).toEqual([2]);
  });
});

describe('a channel', () => {
  test('has a ring without gaps: it restarts after events that the log has lost', () => {
    const { channel } = createChannelCache().open(state(1));
    channel.append([event(1, 1, 10), event(1, 2, 10), event(1, 5, 10), event(1, 6, 10)]);

    expect(channel.framesAfter(2)).toBeUndefined();
    expect(channel.framesAfter(4)?.map(({ seq }) => seq)).toEqual([5, 6]);
  });

  test('returns batches of about one socket buffer, and the same array for the same cursor', () => {
    const { channel } = createChannelCache().open(state(1));
    channel.append(Array.from({ length: 40 }, (_, n) => event(1, n + 1, 5_000)));
    const batch = channel.framesAfter(0);

    expect(batch?.length).toBeGreaterThan(5);
    expect(batch?.length).toBeLessThan(20);
    expect(channel.framesAfter(0)).toBe(batch);
  });

  test.for([
    ['every event', 'framesAfter'],
    ['folded events', 'foldAfter'],
  ] as const)(
    'keeps the arrays of a few cursors only, of %s: their bytes are outside the limit',
    ([, take]) => {
      const { channel } = createChannelCache().open(state(1));
      channel.append(Array.from({ length: 100 }, (_, n) => event(1, n + 1, 10)));
      const taken = Array.from({ length: 100 }, (_, seq) => channel[take](seq));

      const kept = taken.filter((frames, seq) => channel[take](seq) === frames);
      expect(kept.length).toBeLessThanOrEqual(8);
    },
  );
});
