import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/cliniko/clock.ts';
import { createPacer, createPacers } from '../../src/cliniko/pacing.ts';
import type { WaitNotice } from '../../src/cliniko/source.ts';
import { testClock } from '../support/test-clock.ts';

const never = new AbortController().signal;
const MINUTE = 60_000;

/** When each of `count` requests left, with pauses between the asking. */
async function leavingTimes(limit: number, pauses: readonly number[]): Promise<number[]> {
  const clock = testClock(0);
  const pacer = createPacer(limit, clock);
  const times: number[] = [];
  for (const pause of pauses) {
    clock.advance(pause);
    await pacer.take({ signal: never });
    times.push(clock.now());
  }
  return times;
}

describe('the pace of a key', () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 400 });

  test('never lets more than the limit leave within a minute', async () => {
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

  test('uses at least 97 % of the ceiling when there is enough to do', async () => {
    const times = await leavingTimes(200, Array(2_001).fill(0));
    const minutes = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / MINUTE;
    expect(2_000 / minutes).toBeGreaterThanOrEqual(0.97 * 200);
  });

  test('lets a short sync leave in one burst', async () => {
    expect(new Set(await leavingTimes(200, Array(200).fill(0))).size).toBe(1);
  });

  test('stops for everybody on the key while Cliniko limits one of them, and says so beforehand', async () => {
    const clock = testClock();
    const pacers = createPacers(200, clock);
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

  test('tells nobody of a wait that is over in a moment', async () => {
    const clock = testClock();
    const pacer = createPacer(200, clock);
    pacer.pauseUntil(new Date(clock.now() + 999));
    await pacer.take({ signal: never, onWait: () => expect.fail('told') });
  });
});

describe('who stops waiting', () => {
  test('takes nothing, and those behind go on in order', async () => {
    const pacer = createPacer(1, systemClock);
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
