import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCircuitBreakers } from '../../src/cliniko/circuit-breaker.ts';
import { createPacer, createPacers } from '../../src/cliniko/pacer.ts';
import type { WaitNotice } from '../../src/cliniko/source.ts';
import type { Clock } from '../../src/timing/clock.ts';
import { systemClock } from '../../src/timing/clock.ts';
import { createMemoryBudget } from '../support/memory-budget.ts';
import { testClock } from '../support/test-clock.ts';

const never = new AbortController().signal;
const breakers = createCircuitBreakers();
const MINUTE = 60_000;

/** When each of `count` requests was sent, with pauses between the calls. */
async function leavingTimes(limit: number, pauses: readonly number[]): Promise<number[]> {
  const clock = testClock(0);
  const pacer = createPacer(createMemoryBudget({ requests: limit }, clock), clock);
  const times: number[] = [];
  for (const pause of pauses) {
    clock.advance(pause);
    await pacer.take({ signal: never });
    times.push(clock.now());
  }
  return times;
}

/** A clock that only the test advances, however many callers wait for it. */
function manualClock(): Clock & { advance(ms: number): Promise<void> } {
  let now = 0;
  const waiting: { at: number; wake: () => void }[] = [];
  /** After one turn of the event loop, all work that does not wait for the clock is done. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    now: () => now,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        waiting.push({ at: now + ms, wake: resolve });
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        await settle();
        const next = waiting.sort((a, b) => a.at - b.at)[0];
        if (next === undefined || next.at > end) break;
        waiting.shift();
        now = Math.max(now, next.at);
        next.wake();
      }
      now = end;
    },
  };
}

/** When concurrent requests are sent, in order; the other requests are aborted while they wait. */
async function leaveTogether(limit: number, stays: readonly boolean[]): Promise<number[]> {
  const clock = manualClock();
  const pacer = createPacer(createMemoryBudget({ requests: limit }, clock), clock);
  const reason = new Error('no longer needed');
  const order: number[] = [];
  const times: number[] = [];
  const asked = stays.map((stay, index) => {
    const stop = new AbortController();
    const asking = pacer.take({ signal: stop.signal }).then(() => {
      order.push(index);
      times.push(clock.now());
    });
    return { stay, stop, asking };
  });
  await clock.advance(1);
  // The first of them have already been sent, so aborting them has no effect.
  const leaving = asked.filter(({ stay }, index) => !stay && index >= limit);
  for (const { stop } of leaving) stop.abort(reason);
  for (const { asking } of leaving) await expect(asking).rejects.toBe(reason);
  await clock.advance(stays.length * 2 * MINUTE);

  expect(order).toEqual(order.toSorted((a, b) => a - b));
  return times;
}

describe('the pacer of a key', () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 400 });

  test('never sends more than the limit within a minute', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), pauses, async (limit, all) => {
        const times = await leavingTimes(limit, all);
        times.forEach((time, index) => {
          const before = times[index - limit];
          if (before !== undefined) expect(time - before).toBeGreaterThanOrEqual(MINUTE);
        });
      }),
    );
  });

  test('uses at least 97 % of the limit when there are enough requests', async () => {
    const times = await leavingTimes(200, Array(2_001).fill(0));
    const minutes = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / MINUTE;
    expect(2_000 / minutes).toBeGreaterThanOrEqual(0.97 * 200);
  });

  test('sends the requests of a short sync in one burst', async () => {
    expect(new Set(await leavingTimes(200, Array(200).fill(0))).size).toBe(1);
  });

  test('pauses all requests of the key while Cliniko limits one of them, and reports the wait first', async () => {
    const clock = testClock();
    const pacers = createPacers(() => createMemoryBudget({ requests: 200 }, clock), clock);
    const notices: WaitNotice[] = [];
    const until = new Date(clock.now() + 20_000);
    pacers.forKey('a').pauseUntil(until);

    await pacers.forKey('a').take({ signal: never, onWait: (notice) => notices.push(notice) });
    expect(notices).toEqual([{ until, reason: 'rate-limited' }]);
    expect(clock.now()).toBe(until.getTime());

    const before = clock.now();
    await pacers.forKey('b').take({ signal: never });
    expect(clock.now()).toBe(before);
  });

  test.for([
    ['pacer', createPacers(() => createMemoryBudget({ requests: 200 }, systemClock), systemClock).forKey],
    ['circuit breaker', (key: string) => breakers.forKey(key, 'api.au1.cliniko.com')],
  ] as const)('the %s of a key in use stays, and those of keys that were only tried go', ([, forKey]) => {
    const [used, tried] = [forKey('in use'), forKey('tried')];
    for (let other = 0; other < 20_000; other += 1) {
      forKey(`tried ${other}`);
      if (other % 1_000 === 0) expect(forKey('in use')).toBe(used);
    }
    expect(forKey('tried')).not.toBe(tried);
  });

  test('reports the wait to all requests in the queue, including later ones', async () => {
    const clock = manualClock();
    const pacer = createPacer(createMemoryBudget({ requests: 1 }, clock), clock);
    await pacer.take({ signal: never });
    const reported: string[] = [];
    const ask = (name: string) => pacer.take({ signal: never, onWait: () => reported.push(name) });

    const asked = [ask('first'), ask('second')];
    await clock.advance(1_000);
    expect(reported).toEqual(['first', 'second']);
    asked.push(ask('third'));
    expect(reported).toEqual(['first', 'second', 'third']);

    await clock.advance(4 * MINUTE);
    await Promise.all(asked);
  });

  test('does not wait for the difference when the clock is set back', async () => {
    const clock = testClock();
    const pacer = createPacer(createMemoryBudget({ requests: 2 }, clock), clock);
    await pacer.take({ signal: never });
    await pacer.take({ signal: never });
    pacer.pauseUntil(new Date(clock.now() + 20_000));
    clock.advance(-60 * MINUTE);

    await pacer.take({ signal: never });
    expect(clock.waits.reduce((sum, ms) => sum + ms, 0)).toBe(60_500);
  });

  test('does not report a short wait', async () => {
    const clock = testClock();
    const pacer = createPacer(createMemoryBudget({ requests: 200 }, clock), clock);
    pacer.pauseUntil(new Date(clock.now() + 999));
    await pacer.take({ signal: never, onWait: () => expect.fail('reported a wait') });
  });
});

describe('an aborted request', () => {
  test('does not affect the others: they are sent in order, at the same times', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.boolean(), { maxLength: 25 }),
        async (limit, stays) => {
          const all = await leaveTogether(limit, stays);
          const staying = await leaveTogether(
            limit,
            stays.filter((stay, index) => stay || index < limit),
          );
          expect(all).toEqual(staying);
        },
      ),
    );
  });

  test('no longer counts among the requests that wait', async () => {
    const clock = manualClock();
    const memory = createMemoryBudget({ requests: 1 }, clock);
    const wanted: number[] = [];
    const take = (count: number) => {
      wanted.push(count);
      return memory.take(count);
    };
    const pacer = createPacer({ ...memory, take }, clock);
    await pacer.take({ signal: never });
    const staying = pacer.take({ signal: never });
    const leaving = new AbortController();
    const left = [1, 2, 3].map(() => pacer.take({ signal: leaving.signal }));
    leaving.abort();
    await Promise.allSettled(left);
    await clock.advance(2 * MINUTE);
    await staying;
    expect(wanted.at(-1)).toBe(1);
  });

  test('takes nothing, also behind another one', async () => {
    const pacer = createPacer(createMemoryBudget({ requests: 1 }, systemClock), systemClock);
    await pacer.take({ signal: never });
    const reason = new Error('no longer needed');
    const leaving = new AbortController();
    const first = pacer.take({ signal: leaving.signal });
    const second = new AbortController();
    const behind = pacer.take({ signal: second.signal });
    leaving.abort(reason);
    await expect(first).rejects.toBe(reason);

    second.abort(reason);
    await expect(behind).rejects.toBe(reason);
    await expect(pacer.take({ signal: leaving.signal })).rejects.toBe(reason);
  });
});
