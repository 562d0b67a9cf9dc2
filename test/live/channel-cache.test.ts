/** The bound on memory: the rings of all organizations together, and what goes first. */
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

describe('the shelf', () => {
  test('lets go of what nobody watches first, then of the ring that was watched the longest ago', () => {
    const shelf = createChannelCache(10_000);
    for (const id of [1, 2, 3]) {
      const { channel, listeners } = shelf.open(state(id));
      if (id !== 2) listeners.add({ onNews: () => {} });
      channel.append([event(id, 1, 3_000)]);
    }
    shelf.evict();
    expect([...shelf.entries()].map(([id]) => id)).toEqual([1, 2, 3]);

    shelf.touch(1);
    shelf.get(3)?.channel.append([event(3, 2, 3_000)]);
    shelf.evict();
    expect([...shelf.entries()].map(([id]) => id)).toEqual([3, 1]);
    expect(shelf.get(3)?.channel.framesAfter(0)).toHaveLength(2);

    shelf.get(1)?.channel.append([event(1, 2, 3_000)]);
    shelf.evict();
    expect(shelf.get(3)?.channel).toMatchObject({ head: 2, bytes: 0 });
    expect(shelf.get(3)?.channel.framesAfter(1)).toBeUndefined();
    expect(shelf.get(1)?.channel.framesAfter(0)).toHaveLength(2);
  });

  test('lets go of channels that nobody has watched for a while', () => {
    const shelf = createChannelCache(10_000, -1);
    shelf.open(state(1));
    shelf.open(state(2)).listeners.add({ onNews: () => {} });
    shelf.removeIdle();
    expect([...shelf.entries()].map(([id]) => id)).toEqual([2]);
  });
});

describe('a channel', () => {
  test('has a ring without gaps: what the log has lost begins it anew', () => {
    const { channel } = createChannelCache().open(state(1));
    channel.append([event(1, 1, 10), event(1, 2, 10), event(1, 5, 10), event(1, 6, 10)]);

    expect(channel.framesAfter(2)).toBeUndefined();
    expect(channel.framesAfter(4)?.map(({ seq }) => seq)).toEqual([5, 6]);
  });

  test('gives portions of what a socket takes, and the same array to everyone at one place', () => {
    const { channel } = createChannelCache().open(state(1));
    channel.append(Array.from({ length: 40 }, (_, n) => event(1, n + 1, 5_000)));
    const portion = channel.framesAfter(0);

    expect(portion?.length).toBeGreaterThan(5);
    expect(portion?.length).toBeLessThan(20);
    expect(channel.framesAfter(0)).toBe(portion);
  });
});
