import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { every, repeat } from '../../src/timing/every.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Calls that last 10 ms each. */
function calls() {
  const startedAt: number[] = [];
  const began = performance.now();
  const act = async (): Promise<void> => {
    startedAt.push(performance.now() - began);
    await new Promise<void>((resolve) => setTimeout(resolve, 10));
  };
  return { act, startedAt };
}

describe('a repeated action', () => {
  test('waits after the end of each call', async () => {
    const { act, startedAt } = calls();
    const stop = every(() => 100, act);
    await vi.advanceTimersByTimeAsync(350);
    expect(startedAt).toEqual([100, 210, 320]);
    stop();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(startedAt).toHaveLength(3);
  });

  test('is called at once when it is wanted, and never twice at a time', async () => {
    const { act, startedAt } = calls();
    const repetition = repeat(() => 100, act, 50);
    repetition.soon(0);
    repetition.soon(0);
    repetition.soon(5);
    await vi.advanceTimersByTimeAsync(30);
    // A timer of 0 ms is one of 1 ms.
    expect(startedAt).toEqual([0, 11]);
  });

  test('is called no later than planned when it is wanted soon', async () => {
    const { act, startedAt } = calls();
    const repetition = repeat(() => 100, act, 20);
    repetition.soon(50);
    await vi.advanceTimersByTimeAsync(40);
    repetition.soon(50);
    repetition.soon(80);
    await vi.advanceTimersByTimeAsync(60);
    expect(startedAt).toEqual([20, 90]);
  });

  test('has ended when it is stopped', async () => {
    const { act, startedAt } = calls();
    const repetition = repeat(() => 100, act, 0);
    await vi.advanceTimersByTimeAsync(1);
    const stopped = repetition.stop();
    repetition.soon(0);
    await vi.advanceTimersByTimeAsync(8);
    expect(await Promise.race([stopped.then(() => 'ended'), Promise.resolve('running')])).toBe('running');
    await vi.advanceTimersByTimeAsync(200);
    await stopped;
    expect(startedAt).toEqual([0]);
  });
});
