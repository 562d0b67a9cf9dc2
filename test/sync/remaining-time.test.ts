import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { estimateWaitMs, WINDOW_MS } from '../../src/cliniko/request-budget.ts';
import { START } from '../../src/sync/read/crawl-position.ts';
import { estimateRemainingMs, NO_ESTIMATE, recordForecast } from '../../src/sync/remaining-time.ts';
import { INITIAL_STATE, type RunState } from '../../src/sync/run-state.ts';

const at = (fields: Partial<RunState>): RunState => ({
  ...INITIAL_STATE,
  position: { ...START, pageSize: 100 },
  ...fields,
});

describe('the remaining time of a run', () => {
  test('is unknown before a patient was stored', () => {
    expect(estimateRemainingMs(at({ found: 648, elapsedMs: 1_000 }), NO_ESTIMATE)).toBeNull();
  });

  test('follows the pace measured without waits', () => {
    const state = at({ found: 600, processed: 200, elapsedMs: 62_000, waitedMs: 60_000 });
    expect(estimateRemainingMs(state, NO_ESTIMATE)).toBe(4_000);
  });

  test('is at least the wait of the remaining requests', () => {
    const state = at({ found: 60_000, processed: 20_000, elapsedMs: 10_000 });
    const limit = { requests: 200 };
    const requestsMs = (requests: number) => estimateWaitMs(requests, { left: 0, freesInMs: 50_000 }, limit);
    // 400 pages: 200 when the window is free, 200 one window later.
    expect(estimateRemainingMs(state, { requestsMs, waitMs: 0 })).toBe(50_000 + WINDOW_MS);
  });

  test('includes the published wait, and counts nothing twice', () => {
    const state = at({ found: 200, processed: 100, elapsedMs: 1_000 });
    expect(estimateRemainingMs(state, { requestsMs: () => 30_000, waitMs: 30_000 })).toBe(31_000);
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
        const ms = estimateRemainingMs(at(fields), NO_ESTIMATE) ?? 0;
        expect(ms).toBeGreaterThanOrEqual(0);
        if (fields.processed >= fields.found) expect(ms).toBe(0);
      }),
    );
  });
});

describe('forecasts', () => {
  test('are kept once each at 10, 25, 50 and 75 %', () => {
    let state = at({ found: 100 });
    for (let done = 1; done <= 100; done++) {
      state = { ...state, processed: done, percent: Math.min(99.9, done), elapsedMs: done * 100 };
      state = { ...state, forecasts: recordForecast(state, NO_ESTIMATE) };
    }
    expect(state.forecasts).toEqual(
      [10, 25, 50, 75].map((at_percent) => ({ at_percent, predicted_ms: 10_000 })),
    );
  });
});
