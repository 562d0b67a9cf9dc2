/** Many clients that join, or have fallen behind, at the same time. */
import { describe, expect, test, vi } from 'vitest';
import { NoAnswerError } from '../../src/database/answer-limit.ts';
import { createClientReads } from '../../src/live/client-reads.ts';

/** A database whose answers the test gives. */
function openLog() {
  const begun: (() => void)[] = [];
  return { begun, read: () => new Promise<void>((resolve) => begun.push(resolve)) };
}

describe('reads for single clients', () => {
  test('run eight at once, the others in their order', async () => {
    const { begun, read } = openLog();
    const inTurn = createClientReads(60_000);
    const ended: number[] = [];
    const reads = Array.from({ length: 20 }, (_, n) => inTurn(read).then(() => ended.push(n)));
    await vi.waitFor(() => expect(begun).toHaveLength(8));
    for (let next = 0; next < 20; next += 1) {
      begun[next]?.();
      await vi.waitFor(() => expect(begun).toHaveLength(Math.min(20, next + 9)));
    }
    await Promise.all(reads);
    expect(ended).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  test('free their place when they fail', async () => {
    const inTurn = createClientReads(60_000);
    const failing = Array.from({ length: 20 }, () => inTurn(() => Promise.reject(new Error('Lost.'))));
    const results = await Promise.allSettled(failing);
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
    await expect(inTurn(async () => 'read')).resolves.toBe('read');
  });

  test('fail when there is no place for them in time', async () => {
    const { read } = openLog();
    const inTurn = createClientReads(1);
    for (let n = 0; n < 8; n += 1) void inTurn(read);
    await expect(inTurn(read)).rejects.toBeInstanceOf(NoAnswerError);
  });
});
