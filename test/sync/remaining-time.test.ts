import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { estimateWaitMs, WINDOW_MS } from '../../src/cliniko/request-budget.ts';
import { START } from '../../src/sync/read/crawl-position.ts';
import {
  createRemainingTime,
  type EstimateInputs,
  estimateRemainingMs,
  recordForecast,
} from '../../src/sync/remaining-time.ts';
import { INITIAL_STATE, type RunState } from '../../src/sync/run-state.ts';
import { recordTimings } from './support/run-timings.ts';

const at = (fields: Partial<RunState>): RunState => ({
  ...INITIAL_STATE,
  position: { ...START, pageSize: 100 },
  ...fields,
});

const NOTHING_KNOWN: EstimateInputs = {
  prior: undefined,
  read: undefined,
  closingMs: 0,
  requestsMs: () => 0,
  waitMs: 0,
};

describe('the remaining time of a run', () => {
  test('is unknown before a patient was stored', () => {
    expect(estimateRemainingMs(at({ found: 648, elapsedMs: 1_000 }), NOTHING_KNOWN)).toBeNull();
  });

  test('follows the pace measured without waits', () => {
    const state = at({ found: 600, processed: 200, elapsedMs: 62_000, waitedMs: 60_000 });
    expect(estimateRemainingMs(state, NOTHING_KNOWN)).toBe(4_000);
  });

  test.for([
    ['a window in flight, and a full one after it', 1_000, [2_000, 2_000, 2_000, 2_000], 1_500],
    ['two more windows, the last one with three pages', 1_300, [2_000, 2_000, 2_000, 2_000], 2_500],
    ['a window in flight that is late', 1_000, [1_000, 1_000, 1_000, 1_000], 1_000],
    ['one page in flight, the others not requested yet', 1_000, [2_000], 2_000],
    ['the last page in flight', 300, [2_300], 800],
  ] as const)('lasts until the last page arrives: %s', ([, found, sentMs, leftMs]) => {
    // Two pages have arrived; an answer takes a second.
    const state = at({ found, processed: 200, elapsedMs: 2_500 });
    const read = { records: 200, sentMs, answerMs: 1_000, spreadMs: 0, window: 4 };
    expect(estimateRemainingMs(state, { ...NOTHING_KNOWN, read })).toBe(leftMs);
    // A wait is counted when its page is stored, and the newest requests are sent before that.
    const afterWait = { ...state, elapsedMs: 22_500, waitedMs: 20_000 };
    const sentAfterWait = { ...read, sentMs: sentMs.map((ms) => ms + 20_000) };
    expect(estimateRemainingMs(afterWait, { ...NOTHING_KNOWN, read: sentAfterWait })).toBe(leftMs);
    // Answers that differ delay each other.
    const uneven = estimateRemainingMs(state, { ...NOTHING_KNOWN, read: { ...read, spreadMs: 200 } });
    expect(uneven).toBeGreaterThan(leftMs);
  });

  test('counts all requests in flight of a run that usually has one: its first list may be read in a window', () => {
    const state = at({ found: 1_000, processed: 200, elapsedMs: 2_500 });
    const sentMs = [2_000, 2_000, 2_000, 2_000];
    const read = { records: 200, sentMs, answerMs: 1_000, spreadMs: 0, window: 1 };
    expect(estimateRemainingMs(state, { ...NOTHING_KNOWN, read })).toBe(1_500);
  });

  test('is at least the wait of the remaining requests', () => {
    const state = at({ found: 60_000, processed: 20_000, elapsedMs: 10_000 });
    const limit = { requests: 200 };
    const requestsMs = (requests: number) => estimateWaitMs(requests, { left: 0, freesInMs: 50_000 }, limit);
    // 400 pages: 200 when the window is free, 200 one window later.
    expect(estimateRemainingMs(state, { ...NOTHING_KNOWN, requestsMs })).toBe(50_000 + WINDOW_MS);
  });

  test('includes the published wait, and counts nothing twice', () => {
    const state = at({ found: 200, processed: 100, elapsedMs: 1_000 });
    expect(estimateRemainingMs(state, { ...NOTHING_KNOWN, requestsMs: () => 30_000, waitMs: 30_000 })).toBe(
      31_000,
    );
  });

  test('is never negative, and is 0 when no patient is left', () => {
    const states = fc.record({
      found: fc.nat(10_000),
      processed: fc.nat(10_000),
      elapsedMs: fc.nat(1e7),
      waitedMs: fc.nat(1e7),
    });
    fc.assert(
      fc.property(states, (fields) => {
        const ms = estimateRemainingMs(at(fields), NOTHING_KNOWN) ?? 0;
        expect(ms).toBeGreaterThanOrEqual(0);
        if (fields.processed >= fields.found) expect(ms).toBe(0);
      }),
    );
  });
});

describe('forecasts', () => {
  test('are kept once each at 10, 25, 50 and 75 %', () => {
    const time = createRemainingTime(() => NOTHING_KNOWN);
    let state = at({ found: 100 });
    for (let done = 1; done <= 100; done++) {
      state = { ...state, processed: done, percent: Math.min(99.9, done), elapsedMs: done * 100 };
      state = { ...state, forecasts: recordForecast(state, time) };
    }
    expect(state.forecasts).toEqual(
      [10, 25, 50, 75].map((at_percent) => ({ at_percent, predicted_ms: 10_000 })),
    );
  });
});

/** Repeatable. @returns numbers from 0 to 1 */
function seededRandom(seed: number): () => number {
  let state = seed * 7_919;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The error at 25 %, as a share of the actual duration of the whole run. */
function errorAtAQuarter(seed: number, hasPrior: boolean): number {
  const random = seededRandom(seed);
  const patients = 800 + Math.floor(random() * 4_000);
  const options = { patients, answerMs: 200 + random() * 1_500, storeMs: 5 + random() * 40, random };
  const { asPrior } = recordTimings(options);
  // The clinic has grown, and Cliniko answers at another speed.
  const { moments, totalMs } = recordTimings({
    ...options,
    patients: Math.round(patients * (1 + random() * 0.1)),
    answerMs: options.answerMs * (0.6 + random() * 1.2),
  });
  let inputs = { ...NOTHING_KNOWN, ...(hasPrior && { prior: asPrior }) };
  const time = createRemainingTime(() => inputs);
  for (const moment of moments) {
    inputs = { ...inputs, ...moment.inputs };
    const leftMs = time.estimateMs(moment.state) ?? Number.NaN;
    if (moment.state.percent >= 25) return Math.abs(moment.state.elapsedMs + leftMs - totalMs) / totalMs;
  }
  return Number.NaN;
}

describe('at a quarter of a run the estimate', () => {
  const errors = (hasPrior: boolean) =>
    Array.from({ length: 50 }, (_, n) => errorAtAQuarter(n + 1, hasPrior)).sort((a, b) => a - b);

  test('is less than 15 % wrong in nine of ten runs after an earlier one, at another speed and of fewer patients', () => {
    const all = errors(true);
    expect(all[44]).toBeLessThan(0.15);
    expect(all.at(-1)).toBeLessThan(0.3);
  });

  test('is less than 15 % wrong in nineteen of twenty first runs', () => {
    const all = errors(false);
    expect(all[47]).toBeLessThan(0.15);
    expect(all.at(-1)).toBeLessThan(0.2);
  });
});

describe('the remaining time on display', () => {
  const shown = (fields: Partial<RunState>) =>
    createRemainingTime(() => NOTHING_KNOWN).shownMs(at({ found: 1_000, processed: 200, ...fields }));
  const afterPages = (page: number) => ({ ...START, pageSize: 100, page });

  test('begins after two pages and five seconds', () => {
    expect(shown({ elapsedMs: 20_000, position: afterPages(2) })).toBeNull();
    expect(shown({ elapsedMs: 4_999, position: afterPages(3) })).toBeNull();
    // A wait for Cliniko is no measurement.
    expect(shown({ elapsedMs: 64_000, waitedMs: 60_000, position: afterPages(3) })).toBeNull();
    expect(shown({ elapsedMs: 5_000, position: afterPages(3) })).toBe(20_000);
  });

  test('is rounded up to a step that matches its length', () => {
    const position = afterPages(3);
    expect(shown({ elapsedMs: 8_000, position })).toBe(35_000);
    expect(shown({ elapsedMs: 22_750, position })).toBe(105_000);
    expect(shown({ elapsedMs: 200_100, position })).toBe(840_000);
  });

  test('does not jump when one batch is late', () => {
    const time = createRemainingTime(() => NOTHING_KNOWN);
    const left = [10_000, 10_100].map((elapsedMs, n) =>
      time.estimateMs(at({ found: 1_000, processed: 500 - n * 100, elapsedMs, position: afterPages(5) })),
    );
    // The second one alone would be 15,150.
    expect(left).toEqual([10_000, expect.closeTo(10_152, -2)]);
  });
});
