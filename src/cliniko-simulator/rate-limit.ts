/**
 * A limit of requests a minute for all keys together, because they belong to one user.
 *
 * A fixed window begins with the first request after the last window ended, so a burst reaches the limit at the same
 * request every time, independent of the clock.
 */
import type { Behaviour } from './behaviour.ts';

export interface RateLimit {
  /** Counts a request. @returns undefined when it is allowed, else when the limit resets, in ms since 1970 */
  take(): number | undefined;
}

const MINUTE_MS = 60_000;

export function createRateLimit(behaviour: Behaviour, now: () => Date): RateLimit {
  const passed: number[] = [];
  let windowEndsAt = 0;

  function forget(time: number): void {
    if (behaviour.limitWindow === 'fixed') {
      if (time < windowEndsAt) return;
      windowEndsAt = time + MINUTE_MS;
      passed.length = 0;
    } else {
      const staying = passed.findIndex((at) => at > time - MINUTE_MS);
      passed.splice(0, staying === -1 ? passed.length : staying);
    }
  }

  return {
    take() {
      const limit = behaviour.requestsPerMinute;
      if (limit === 0 || limit === Number.POSITIVE_INFINITY) return undefined;
      const time = now().getTime();
      forget(time);
      if (passed.length < limit) {
        passed.push(time);
        return undefined;
      }
      return behaviour.limitWindow === 'fixed' ? windowEndsAt : (passed[0] ?? time) + MINUTE_MS;
    },
  };
}
