/**
 * Reports waits for Cliniko, but only while they block the run.
 *
 * Requests are sent ahead of storing, in the order of their pages. While there is still work to store, or the oldest request is
 * on its way, a waiting request is not reported: the next page in order does not wait for it. A page that was requested again is
 * the newest one, although it may be needed first: then its wait may be reported some seconds late.
 */
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { WaitNotice } from '../../cliniko/source.ts';

/** A request that has no answer yet. */
interface OpenRequest {
  waits(notice: WaitNotice): void;
  /** The wait of this notice ended early. */
  waitOver(notice: WaitNotice): void;
  answered(): void;
}

export interface WaitReporter {
  /** In the order in which the run needs their answers. */
  request(): OpenRequest;
  /** Resolves as `step` does. Until then each wait that blocks it is reported. */
  whileWaiting<T>(step: Promise<T>): Promise<T>;
  /** Milliseconds since the first wait that was reported after the last lap; 0 when none was. */
  lap(): number;
}

export function createWaitReporter(
  report: (notice: WaitNotice) => Promise<void>,
  now: () => number = Date.now,
): WaitReporter {
  /** Each open request, oldest first, with its waits that are not over. */
  const requests = new Set<Set<WaitNotice>>();
  let reportedAt: number | undefined;
  let changed = () => {};
  /** Of the oldest request, the notice that ends last. */
  const blocking = (): WaitNotice | undefined => {
    const [notices] = requests;
    let found: WaitNotice | undefined;
    for (const notice of notices ?? []) {
      if (notice.until.getTime() <= now()) notices?.delete(notice);
      else if (found === undefined || notice.until > found.until) found = notice;
    }
    return found;
  };
  return {
    request() {
      const notices = new Set<WaitNotice>();
      requests.add(notices);
      return {
        waits(notice) {
          notices.add(notice);
          changed();
        },
        waitOver: (notice) => void notices.delete(notice),
        answered() {
          requests.delete(notices);
          changed();
        },
      };
    },
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
        const nextChange = new Promise<'changed'>((resolve) => {
          changed = () => resolve('changed');
        });
        // A step that is already settled was not blocked: it wins the race.
        if ((await Promise.race([outcome, eventLoopTurn('pending' as const)])) !== 'pending') return step;
        // The notice stays open for later steps: the waiting request may have been sent ahead for one of them.
        const current = blocking();
        if (current !== undefined && current !== reported) {
          reported = current;
          reportedAt ??= performance.now();
          await report(current);
        }
        if (blocking() === current && (await Promise.race([outcome, nextChange])) !== 'changed') return step;
      }
    },
  };
}
