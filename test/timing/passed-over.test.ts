import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PassedOver } from '../../src/timing/passed-over.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

describe('an id that is passed over', () => {
  test('comes back after its time', () => {
    const passed = new PassedOver();
    passed.add(7, 10_000);
    vi.advanceTimersByTime(9_999);
    expect(passed.ids()).toEqual([7]);
    vi.advanceTimersByTime(1);
    expect(passed.ids()).toEqual([]);
  });

  test('is passed over for twice as long each time, until it has been in order for a while', () => {
    const passed = new PassedOver();
    const delays = Array.from({ length: 7 }, () => {
      const delay = passed.addAgain(7, 10_000);
      vi.advanceTimersByTime(delay);
      expect(passed.ids()).toEqual([]);
      return delay / 10_000;
    });
    expect(delays).toEqual([1, 2, 4, 8, 16, 16, 16]);
    vi.advanceTimersByTime(160_000);
    expect(passed.ids()).toEqual([]);
    expect(passed.addAgain(7, 10_000)).toBe(10_000);
    // For another reason, whose first delay is longer.
    expect(passed.addAgain(7, 60_000)).toBe(60_000);
  });
});
