/** Many clients that join at the same time, as after the restart of a server. */
import { describe, expect, test, vi } from 'vitest';
import type { StreamState } from '../../src/events/event-queries.ts';
import { shareRead, shareStates } from '../../src/live/shared-reads.ts';

const stateOf = (organizationId: number, head: number): StreamState => ({
  organizationId,
  epoch: 'e',
  head,
  oldest: 1,
  latest: null,
  at: '2026-11-24T00:00:00.000Z',
});

/** A log whose head grows with each read, and whose answers the test gives. */
function openLog() {
  const reads: { ids: readonly number[]; answer: () => void; fail: () => void }[] = [];
  let head = 0;
  const readStates = vi.fn((ids: readonly number[]) => {
    head += 1;
    const states = ids.map((id) => stateOf(id, head));
    return new Promise<StreamState[]>((resolve, reject) =>
      reads.push({ ids, answer: () => resolve(states), fail: () => reject(new Error('Lost.')) }),
    );
  });
  return { reads, readStates, states: shareStates({ readStates }) };
}

const headsOf = (states: readonly StreamState[]) =>
  states.map(({ organizationId, head }) => [organizationId, head]);

describe('states of organizations', () => {
  test('are read together for all clients that wait, each in its own order and not before it asked', async () => {
    const { reads, readStates, states } = openLog();
    const [first, second] = [states([1]), states([2])];
    const waiting = [states([3, 1]), states([1]), states([])];
    expect(reads.map(({ ids }) => ids)).toEqual([[1], [2]]);

    reads[0]?.answer();
    expect(headsOf(await first)).toEqual([[1, 1]]);
    await vi.waitFor(() => expect(reads).toHaveLength(3));
    expect(reads[2]?.ids).toEqual([3, 1]);
    for (const { answer } of reads) answer();
    expect((await Promise.all(waiting)).map(headsOf)).toEqual([
      [
        [3, 3],
        [1, 3],
      ],
      [[1, 3]],
      [],
    ]);
    await second;
    expect(readStates).toHaveBeenCalledTimes(3);
  });

  test('are read in statements of a limited size, also for clients that ask for many', async () => {
    const { reads, states } = openLog();
    const many = (from: number) => Array.from({ length: 300 }, (_, n) => from + n);
    const calls = [states([1]), states([2]), states(many(1)), states(many(101)), states(many(1_001))];
    for (let answered = 0; answered < 4; answered += 1) {
      await vi.waitFor(() => expect(reads.length).toBeGreaterThan(answered));
      reads[answered]?.answer();
    }
    expect((await Promise.all(calls)).map(({ length }) => length)).toEqual([1, 1, 300, 300, 300]);
    expect(reads.map(({ ids }) => ids.length)).toEqual([1, 1, 400, 300]);
  });

  test('of a read that fails are an error for its clients, and the next ones are read', async () => {
    const { reads, states } = openLog();
    const [first, second, third] = [states([1]), states([2]), states([3])];
    reads[0]?.fail();
    await expect(first).rejects.toThrow('Lost.');
    await vi.waitFor(() => expect(reads).toHaveLength(3));
    for (const { answer } of reads) answer();
    expect(headsOf(await third)).toEqual([[3, 3]]);
    await second;
  });
});

describe('a shared read', () => {
  test('answers the calls during it with one that begins after it', async () => {
    let count = 0;
    const read = shareRead(async () => ++count);
    expect(await Promise.all([read(), read(), read()])).toEqual([1, 2, 2]);
    expect(await read()).toBe(3);
  });

  test('that fails leaves the next one to be read', async () => {
    let count = 0;
    const read = shareRead(async () => {
      count += 1;
      if (count === 1) throw new Error('Lost.');
      return count;
    });
    const [first, second] = [read(), read()];
    await expect(first).rejects.toThrow('Lost.');
    expect(await second).toBe(2);
  });
});
