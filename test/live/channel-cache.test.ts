/** The memory limit of all rings together, and the order of eviction. */
import { describe, expect, test, vi } from 'vitest';
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
    const unfollow = vi.fn();
    const cache = createChannelCache({ lingerMs: -1, following: { follow: () => {}, unfollow } });
    cache.open(state(1));
    cache.open(state(2)).listeners.add({ onNews: () => {} });
    cache.removeIdle();
    expect([...cache.entries()].map(([id]) => id)).toEqual([2]);
    expect(unfollow).toHaveBeenCalledExactlyOnceWith(1);
  });
});

describe('a channel', () => {
  test('has a ring without gaps: it restarts after events that the log has lost', () => {
    const { channel } = createChannelCache().open(state(1));
    channel.append([event(1, 1, 10), event(1, 2, 10), event(1, 5, 10), event(1, 6, 10)]);

    expect(channel.framesAfter(2)).toBeUndefined();
    expect(channel.framesAfter(4)?.map(({ seq }) => seq)).toEqual([5, 6]);
    // Read twice, as after a nudge and by a poll.
    channel.append([event(1, 6, 10), event(1, 7, 10)]);
    expect(channel.framesAfter(4)?.map(({ seq }) => seq)).toEqual([5, 6, 7]);
  });

  test('keeps all of one read, however many, and 256 of them at the next', () => {
    const { channel } = createChannelCache().open(state(1));
    channel.append(Array.from({ length: 300 }, (_, n) => event(1, n + 1, 1)));
    expect(channel.framesAfter(0)).toHaveLength(300);
    channel.append([event(1, 301, 1)]);
    expect(channel.framesAfter(43)).toBeUndefined();
    expect(channel.framesAfter(44)).toHaveLength(257);
  });

  test('knows the latest run while the events determine it', () => {
    const { channel } = createChannelCache().open(state(1));
    const happens = (seq: number, id: number, startedAt: string, type = 'progress') =>
      channel.append([
        { ...event(1, seq, 1), type, run: { id, startedAt, log: `{"id":${id},"seq":${seq}}` } },
      ]);
    const latest = () => {
      const { latest: known, hasOlder } = channel.state() ?? {};
      return [known?.log, hasOlder];
    };
    happens(1, 7, '2');
    expect(latest()).toEqual(['{"id":7,"seq":1}', false]);
    // A run that began before it, and one after it.
    happens(2, 8, '1');
    expect(latest()).toEqual(['{"id":7,"seq":1}', true]);
    happens(3, 9, '3');
    expect(latest()).toEqual(['{"id":9,"seq":3}', true]);
    // Its start moves into the past.
    happens(4, 9, '0');
    expect([channel.state(), channel.snapshot(), channel.foldAfter(3)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const read = { ...state(1), latest: { id: 7, startedAt: '2', log: '{"id":7}' }, hasOlder: true };
    channel.refreshLatest({ ...read, head: 3 });
    expect(channel.isLatestKnown).toBe(false);
    channel.refreshLatest({ ...read, head: 4 });
    expect(latest()).toEqual(['{"id":7}', true]);
    // A snapshot determines it too, but not whether there are others.
    happens(5, 7, '0');
    happens(6, 10, '1', 'snapshot');
    expect(latest()).toEqual(['{"id":10,"seq":6}', undefined]);
    channel.setHasOlder(5, false);
    expect(latest()[1]).toBeUndefined();
    channel.setHasOlder(6, true);
    expect(latest()[1]).toBe(true);
    expect(channel.foldAfter(5)?.map(({ seq, terminal }) => [seq, terminal])).toEqual([[6, false]]);
    happens(7, 10, '1', 'completed');
    expect(channel.foldAfter(6)?.map(({ seq, terminal }) => [seq, terminal])).toEqual([[7, true]]);
  });

  test('returns batches of about one socket buffer, and the same array for the same cursor', () => {
    const { channel } = createChannelCache().open(state(1));
    channel.append(Array.from({ length: 40 }, (_, n) => event(1, n + 1, 5_000)));
    const batch = channel.framesAfter(0);

    expect(batch?.length).toBeGreaterThan(5);
    expect(batch?.length).toBeLessThan(20);
    expect(channel.framesAfter(0)).toBe(batch);
    channel.append([event(1, 41, 100_000)]);
    expect(channel.framesAfter(40)).toHaveLength(1);
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
