/**
 * Waits that Cliniko forces on a run, told only while they hold the run up.
 *
 * Requests run ahead of the storing: one of them may wait while there is still work, and then nobody has to know.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WaitNotice } from '../cliniko/source.ts';

export interface Waits {
  add(notice: WaitNotice): void;
  /** Resolves as `step` does; meanwhile `tell` is called for each wait that holds it up. */
  whileWaiting<T>(step: Promise<T>, tell: (notice: WaitNotice) => Promise<void>): Promise<T>;
}

export function createWaits(now: () => number = Date.now): Waits {
  let latest: WaitNotice | undefined;
  let added = () => {};
  return {
    add(notice) {
      if (latest === undefined || notice.until > latest.until) latest = notice;
      added();
    },
    async whileWaiting(step, tell) {
      const outcome = step.then(
        () => undefined,
        () => undefined,
      );
      let told: WaitNotice | undefined;
      for (;;) {
        const news = new Promise<'news'>((resolve) => {
          added = () => resolve('news');
        });
        // A page that is there already was not held up: what is settled wins the race.
        if ((await Promise.race([outcome, nextTurn('pending' as const)])) !== 'pending') return step;
        // Kept for the steps that follow: the request that waits may be one that ran ahead of this one.
        const current = latest;
        if (current !== undefined && current !== told && current.until.getTime() > now()) {
          told = current;
          await tell(current);
        }
        if (latest === current && (await Promise.race([outcome, news])) !== 'news') return step;
      }
    },
  };
}

export function waitWords(notice: WaitNotice): string {
  switch (notice.reason) {
    case 'rate-limited':
      return "Waiting for Cliniko's rate limit";
    case 'pacing':
      return "Pacing requests below Cliniko's rate limit";
    case 'retrying':
      return 'Cliniko did not answer properly; trying again';
    default:
      return notice.reason satisfies never;
  }
}
