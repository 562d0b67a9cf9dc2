/** Which waits of the requests are told as waits of the run. */
import { describe, expect, test } from 'vitest';
import type { WaitNotice } from '../../../src/cliniko/source.ts';
import { createWaitReporter } from '../../../src/sync/write/wait-reporter.ts';

const notice = (seconds: number): WaitNotice => ({ reason: 'rate-limited', until: new Date(seconds * 1000) });

function createTeller() {
  const told: WaitNotice[] = [];
  return {
    told,
    tell: async (wait: WaitNotice) => {
      told.push(wait);
    },
  };
}

/** Settled only when the test says so. */
function createStep() {
  let finish = () => {};
  const step = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return { step, finish: () => finish() };
}

describe('a wait', () => {
  test('is told once for each step that it holds up, also when a later request has met it', async () => {
    const { told, tell } = createTeller();
    const waits = createWaitReporter(tell, () => 0);
    const limit = notice(60);
    const [second, third] = [createStep(), createStep()];

    const secondDone = waits.whileWaiting(second.step);
    waits.add(limit);
    await expect.poll(() => told).toEqual([limit]);
    second.finish();
    await secondDone;

    const thirdDone = waits.whileWaiting(third.step);
    await expect.poll(() => told).toEqual([limit, limit]);
    third.finish();
    await thirdDone;
    expect(told).toHaveLength(2);
  });

  test('is not told for a step that is done already, nor once it is over', async () => {
    let now = 0;
    const { told, tell } = createTeller();
    const waits = createWaitReporter(tell, () => now);
    waits.add(notice(60));
    await waits.whileWaiting(Promise.resolve());
    now = 61_000;
    const next = createStep();
    const done = waits.whileWaiting(next.step);
    next.finish();
    await done;
    expect(told).toEqual([]);
  });
});
