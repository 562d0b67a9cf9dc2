/**
 * Waits that Cliniko forces on a run, told only while they hold the run up.
 *
 * Requests run ahead of the storing: one of them may wait while there is still work, and then nobody has to know.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WaitNotice } from '../cliniko/source.ts';

export interface Waits {
  add(notice: WaitNotice): void;
  /** Resolves as `step` does; meanwhile each wait that holds it up is told. */
  whileWaiting<T>(step: Promise<T>): Promise<T>;
  /** Milliseconds since the first wait that was told after the last lap; 0 when none was. */
  lap(): number;
}

export function createWaits(
  tell: (notice: WaitNotice) => Promise<void>,
  now: () => number = Date.now,
): Waits {
  let latest: WaitNotice | undefined;
  let toldAt: number | undefined;
  let added = () => {};
  return {
    add(notice) {
      if (latest === undefined || notice.until > latest.until) latest = notice;
      added();
    },
    lap() {
      const ms = toldAt === undefined ? 0 : performance.now() - toldAt;
      toldAt = undefined;
      return ms;
    },
    async whileWaiting(step) {
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
          toldAt ??= performance.now();
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
