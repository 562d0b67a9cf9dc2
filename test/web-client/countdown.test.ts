/** The remaining time as a page shows it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Countdown, countdownAfter, leftText } from '../../web-client/src/dashboard/countdown.ts';

describe('the remaining time', () => {
  test.each([
    [0, 'a few seconds'],
    [4_900, 'a few seconds'],
    [41_000, '45 s'],
    [60_000, '1 min'],
    [61_000, '1 min 15 s'],
    [600_000, '10 min'],
    [601_000, '11 min'],
    [4_800_000, '1 h 20 min'],
    [7_200_000, '2 h'],
  ])('of %i ms is "%s"', (ms, text) => {
    expect(leftText(ms)).toBe(text);
  });

  test('ticks down between two reports, and a small difference does not move it', () => {
    const first = countdownAfter(null, 17, 60_000, 1_000);
    expect(first).toEqual({ runId: 17, endsAt: 61_000 });
    expect(countdownAfter(first, 17, 52_000, 6_000)).toBe(first);
    expect(countdownAfter(first, 17, 90_000, 6_000)).toEqual({ runId: 17, endsAt: 96_000 });
    // Another run has its own end, and a run without a report has none.
    expect(countdownAfter(first, 18, 55_000, 6_000)).toEqual({ runId: 18, endsAt: 61_000 });
    expect(countdownAfter(first, 17, null, 6_000)).toBeNull();
  });

  test('never goes up while the reports tell the same end, however late they arrive', () => {
    const delays = fc.array(fc.record({ after: fc.nat(4_000), late: fc.nat(4_000) }), { maxLength: 30 });
    fc.assert(
      fc.property(delays, (reports) => {
        const endsAt = 120_000;
        let countdown: Countdown | null = null;
        let [now, shown] = [0, Number.POSITIVE_INFINITY];
        for (const { after, late } of reports) {
          now += after;
          countdown = countdownAfter(countdown, 17, Math.max(0, endsAt - now + late), now);
          const left = (countdown?.endsAt ?? now) - now;
          expect(left).toBeLessThanOrEqual(shown);
          shown = left;
        }
      }),
    );
  });
});
