/** The system clock. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: Date.now,
  async wait(ms, signal) {
    try {
      await delay(Math.max(0, ms), undefined, { signal });
    } catch {
      // Node wraps the reason in an AbortError; the caller expects the original.
      throw signal.reason;
    }
  },
};
