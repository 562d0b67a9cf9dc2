/** A clock that a test controls. A wait advances it: a wait of one minute ends at once, one minute later. */
import type { Clock } from '../../src/timing/clock.ts';

export interface TestClock extends Clock {
  /** Every wait so far, in milliseconds. */
  readonly waits: number[];
  advance(ms: number): void;
}

export function testClock(start = Date.UTC(2026, 10, 23, 10)): TestClock {
  let now = start;
  const waits: number[] = [];
  return {
    waits,
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
    async wait(ms, signal) {
      signal.throwIfAborted();
      waits.push(ms);
      now += Math.max(0, ms);
    },
  };
}
