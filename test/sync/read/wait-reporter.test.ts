/** Which waits of requests are reported as waits of the run. */
import { describe, expect, test } from 'vitest';
import type { WaitNotice } from '../../../src/cliniko/source.ts';
import { createWaitReporter } from '../../../src/sync/read/wait-reporter.ts';

const notice = (seconds: number): WaitNotice => ({ reason: 'rate-limited', until: new Date(seconds * 1000) });

function createRecorder() {
  const reported: WaitNotice[] = [];
  return {
    reported,
    report: async (wait: WaitNotice) => {
      reported.push(wait);
    },
  };
}

/** The test settles it. */
function createStep() {
  let finish = () => {};
  const step = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return { step, finish: () => finish() };
}

describe('a wait', () => {
  test('is reported once for each step that it blocks, even when a later request waits', async () => {
    const { reported, report } = createRecorder();
    const waits = createWaitReporter(report, () => 0);
    const limit = notice(60);
    const [second, third] = [createStep(), createStep()];

    const secondDone = waits.whileWaiting(second.step);
    waits.request().waits(limit);
    await expect.poll(() => reported).toEqual([limit]);
    second.finish();
    await secondDone;

    const thirdDone = waits.whileWaiting(third.step);
    await expect.poll(() => reported).toEqual([limit, limit]);
    third.finish();
    await thirdDone;
    expect(reported).toHaveLength(2);
  });

  test('is reported when the next page in order waits, and not before', async () => {
    const { reported, report } = createRecorder();
    const waits = createWaitReporter(report, () => 0);
    const [next, later] = [waits.request(), waits.request()];
    const limit = notice(60);
    const step = createStep();
    const done = waits.whileWaiting(step.step);
    later.waits(limit);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(reported).toEqual([]);
    // The step still needs the later page: now it is the next one.
    next.answered();
    await expect.poll(() => reported).toEqual([limit]);
    step.finish();
    await done;
  });

  test('is not reported for a step that is already settled, nor after it is over', async () => {
    let now = 0;
    const { reported, report } = createRecorder();
    const waits = createWaitReporter(report, () => now);
    waits.request().waits(notice(60));
    await waits.whileWaiting(Promise.resolve());
    now = 61_000;
    const next = createStep();
    const done = waits.whileWaiting(next.step);
    next.finish();
    await done;
    expect(reported).toEqual([]);
  });
});
