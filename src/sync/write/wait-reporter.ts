/**
 * WaitReporter that Cliniko forces on a run, told only while they hold the run up.
 *
 * Requests run ahead of the storing: one of them may wait while there is still work, and then nobody has to know.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WaitNotice } from '../../cliniko/source.ts';

export interface WaitReporter {
  add(notice: WaitNotice): void;
  /** The wait of this notice is over before its time. */
  end(notice: WaitNotice): void;
  /** Resolves as `step` does; meanwhile each wait that holds it up is told. */
  whileWaiting<T>(step: Promise<T>): Promise<T>;
  /** Milliseconds since the first wait that was told after the last lap; 0 when none was. */
  lap(): number;
}

export function createWaitReporter(
  tell: (notice: WaitNotice) => Promise<void>,
  now: () => number = Date.now,
): WaitReporter {
  const open = new Set<WaitNotice>();
  let toldAt: number | undefined;
  let added = () => {};
  /** The one that lasts longest, of those that are not over. */
  const longest = (): WaitNotice | undefined => {
    let found: WaitNotice | undefined;
    for (const notice of open) {
      if (notice.until.getTime() <= now()) open.delete(notice);
      else if (found === undefined || notice.until > found.until) found = notice;
    }
    return found;
  };
  return {
    add(notice) {
      open.add(notice);
      added();
    },
    end: (notice) => void open.delete(notice),
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
        const current = longest();
        if (current !== undefined && current !== told) {
          told = current;
          toldAt ??= performance.now();
          await tell(current);
        }
        if (longest() === current && (await Promise.race([outcome, news])) !== 'news') return step;
      }
    },
  };
}

/** Without the try: it is told apart. */
export function waitWords(notice: WaitNotice): string {
  switch (notice.reason) {
    case 'no-answer':
      return 'Waiting for an answer from Cliniko';
    case 'rate-limited':
      return "Waiting for Cliniko's rate limit";
    case 'pacing':
      return "Pacing requests below Cliniko's rate limit";
    case 'retrying':
      return `${notice.words ?? 'Cliniko did not answer properly'}; trying again`;
    default:
      return notice.reason satisfies never;
  }
}
