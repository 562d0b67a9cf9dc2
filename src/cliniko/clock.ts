/** Time as it really passes. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from './pacing.ts';

export const systemClock: Clock = {
  now: Date.now,
  async wait(ms, signal) {
    try {
      await delay(Math.max(0, ms), undefined, { signal });
    } catch {
      // Node wraps the reason; whoever aborted should meet his own.
      throw signal.reason;
    }
  },
};
