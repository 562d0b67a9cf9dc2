/** A request budget in the memory of one process. */
import {
  type Budget,
  type BudgetLimit,
  estimateWaitMs,
  WINDOW_MS,
} from '../../src/cliniko/request-budget.ts';
import type { Clock } from '../../src/timing/clock.ts';

export function createMemoryBudget(limit: BudgetLimit, clock: Clock): Budget {
  const { requests: most, windowMs = WINDOW_MS } = limit;
  /** When requests were sent, oldest first. */
  let sent: number[] = [];
  let pausedUntil = 0;
  let looked = 0;

  /** If the clock is set back, these times are moved back too. Otherwise requests would also wait for the difference. */
  const look = (): number => {
    const now = clock.now();
    const setBackMs = looked - now;
    looked = now;
    if (setBackMs > 0) {
      sent = sent.map((time) => time - setBackMs);
      pausedUntil -= setBackMs;
    }
    while (sent[0] !== undefined && sent[0] <= now - windowMs) sent.shift();
    return now;
  };
  return {
    async take() {
      const now = look();
      if (pausedUntil > now) return { until: new Date(pausedUntil), reason: 'rate-limited' };
      const oldest = sent[0];
      if (oldest !== undefined && sent.length >= most) {
        return { until: new Date(oldest + windowMs), reason: 'pacing' };
      }
      sent.push(now);
      return undefined;
    },
    pauseUntil(time) {
      look();
      pausedUntil = Math.max(pausedUntil, time.getTime());
    },
    estimateMs(requests) {
      const now = look();
      const pausedMs = Math.max(0, pausedUntil - now);
      const freesInMs = (sent[0] ?? now) + windowMs - now;
      return Math.max(pausedMs, estimateWaitMs(requests, { left: most - sent.length, freesInMs }, limit));
    },
  };
}
