/**
 * Reports waits for Cliniko, but only while they block the run.
 *
 * Requests are sent ahead of storing. While there is still work to store, a waiting request is not reported.
 */
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { WaitNotice } from '../../cliniko/source.ts';

export interface WaitReporter {
  add(notice: WaitNotice): void;
  /** The wait of this notice ended early. */
  end(notice: WaitNotice): void;
  /** Resolves as `step` does. Until then each wait that blocks it is reported. */
  whileWaiting<T>(step: Promise<T>): Promise<T>;
  /** Milliseconds since the first wait that was reported after the last lap; 0 when none was. */
  lap(): number;
}

export function createWaitReporter(
  report: (notice: WaitNotice) => Promise<void>,
  now: () => number = Date.now,
): WaitReporter {
  const open = new Set<WaitNotice>();
  let reportedAt: number | undefined;
  let added = () => {};
  /** The notice that ends last, of those that are not over. */
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
      const ms = reportedAt === undefined ? 0 : performance.now() - reportedAt;
      reportedAt = undefined;
      return ms;
    },
    async whileWaiting(step) {
      const outcome = step.then(
        () => undefined,
        () => undefined,
      );
      let reported: WaitNotice | undefined;
      for (;;) {
        const nextNotice = new Promise<'added'>((resolve) => {
          added = () => resolve('added');
        });
        // A step that is already settled was not blocked: it wins the race.
        if ((await Promise.race([outcome, eventLoopTurn('pending' as const)])) !== 'pending') return step;
        // The notice stays open for later steps: the waiting request may have been sent ahead for one of them.
        const current = longest();
        if (current !== undefined && current !== reported) {
          reported = current;
          reportedAt ??= performance.now();
          await report(current);
        }
        if (longest() === current && (await Promise.race([outcome, nextNotice])) !== 'added') return step;
      }
    },
  };
}
