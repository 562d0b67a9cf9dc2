import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EngineMetadata, SyncMetadata } from '#contract/sync-log.ts';
import { completedMetadata, runningMetadata } from '../../src/sync/metadata.ts';
import { completenessProof, NOTHING_COVERED, sawNumberedPage } from '../../src/sync/read/completeness.ts';
import { START } from '../../src/sync/read/crawl-position.ts';
import type { FetchedPage } from '../../src/sync/read/fetched-page.ts';
import {
  arrivedAt,
  type BatchCounts,
  batchSize,
  INITIAL_STATE,
  parseCheckpoint,
  RunState,
  storedBatch,
} from '../../src/sync/run-state.ts';
import { STORING } from '../support/progress-display.ts';

const page = (number: number, pages: number, total: number | undefined): FetchedPage => {
  const at = { ...START, page: number, pageSize: 10 };
  return { records: [], newKeys: [], at, after: { ...at, page: number + 1 }, numbered: { total, pages } };
};

const batch = (counts: Partial<BatchCounts>): BatchCounts => ({
  succeeded: 0,
  inserted: 0,
  updated: 0,
  unchanged: 0,
  archived: 0,
  warnings: 0,
  errors: [],
  ...counts,
});

describe('progress', () => {
  test('is published at least every 50 patients or 10 % of all', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), (found) => {
        const size = batchSize(found);
        expect(size).toBeGreaterThanOrEqual(1);
        expect(size).toBeLessThanOrEqual(Math.max(1, Math.min(50, found / 10)));
      }),
    );
  });

  test("matches the guide's example: 450 of 648 are 69.4 %", () => {
    let state = arrivedAt(INITIAL_STATE, page(1, 7, 648));
    for (let page = 1; page <= 4; page++) state = storedBatch(state, batch({ succeeded: 100 }), START);
    state = storedBatch(state, batch({ succeeded: 48, errors: ['Patient ID 1: x', 'Patient ID 2: x'] }), {
      ...START,
      page: 5,
      place: 50,
    });

    expect(runningMetadata(state, STORING)).toMatchObject({
      progress_percent: 69.4,
      patients_found: 648,
      patients_stored: 448,
      current_page: 5,
      total_pages: 7,
      errors_total: 2,
    });
  });

  const steps = fc.array(
    fc.record({
      total: fc.option(fc.nat(500), { nil: undefined }),
      succeeded: fc.nat(60),
      failed: fc.nat(30),
    }),
    { maxLength: 40 },
  );

  test('never falls, stays below 100 while running, and counts every patient once', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let state = INITIAL_STATE;
        for (const { total, succeeded, failed } of all) {
          const before = state.percent;
          state = arrivedAt(state, page(1, 5, total));
          const errors = Array.from({ length: failed }, (_, n) => `Patient ID ${n}: x`);
          state = storedBatch(state, batch({ succeeded, errors }), START);

          expect(state.percent).toBeGreaterThanOrEqual(before);
          expect(state.percent).toBeLessThanOrEqual(99.9);
          expect(state.percent).toBe(Math.round(state.percent * 10) / 10);
          expect(state.processed).toBe(state.succeeded + state.errorsTotal);
          expect(state.errors.length).toBeLessThanOrEqual(20);
          const metadata = runningMetadata(state, STORING);
          expect(EngineMetadata.parse(metadata)).toEqual(metadata);
          expect(SyncMetadata.safeParse(metadata).success).toBe(true);
        }
      }),
    );
  });

  test('is unchanged after being stored and read again', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const state = all.reduce(
          (current, { total, succeeded }) =>
            storedBatch(arrivedAt(current, page(1, 5, total)), batch({ succeeded }), START),
          INITIAL_STATE,
        );
        expect(RunState.parse(JSON.parse(JSON.stringify(state)))).toEqual(state);
      }),
    );
  });
});

describe('the proof of a run', () => {
  const run = (totals: number[], seen: number) => {
    const counted = totals.reduce(
      (coverage, total) => sawNumberedPage(coverage, total, true),
      NOTHING_COVERED,
    );
    return completenessProof({ ...counted, seen }, 0);
  };

  test('is valid when the total never changed and all patients were seen', () => {
    expect(run([30, 30], 30)).toEqual({
      seen: 30,
      total_at_start: 30,
      total_at_end: 30,
      repairs: 0,
      proven: true,
    });
  });

  test.for([
    ['the total changed and changed back', [30, 31, 30], 30],
    ['a patient was missed', [30, 30], 29],
    ['the total differs at the end', [30, 29], 29],
  ] as const)('is not valid when %s', ([, totals, seen]) => {
    expect(run([...totals], seen).proven).toBe(false);
  });
});

describe('a completed run', () => {
  test("has the guide's performance metrics", () => {
    const state = {
      ...storedBatch(INITIAL_STATE, batch({ succeeded: 648 }), START),
      fetchMs: 105_000,
      apiRequests: 13,
    };

    expect(completedMetadata(state, STORING, { durationMs: 262_000, unanswered: 0 })).toMatchObject({
      success_rate: 100,
      progress_percent: 100,
      performance_metrics: {
        total_duration: '4m 22s',
        api_fetch_time: '1m 45s',
        patients_per_second: 2.5,
        api_requests: 13,
      },
    });
  });

  test('of an empty clinic lost no patient', () => {
    expect(completedMetadata(INITIAL_STATE, STORING, { durationMs: 10, unanswered: 0 })).toMatchObject({
      success_rate: 100,
      progress_percent: 100,
    });
  });
});

describe('a checkpoint', () => {
  test('continues where it was written', () => {
    const state = storedBatch(INITIAL_STATE, batch({ succeeded: 20 }), START);
    expect(parseCheckpoint(JSON.parse(JSON.stringify(state)))).toEqual({ state, isReadable: true });
    expect(parseCheckpoint(null)).toEqual({ state: INITIAL_STATE, isReadable: true });
  });

  test.for([
    [{ page: 3, place: 0, percent: 41.7, coverage: { leg: 'walk' } }, 41.7],
    [{ ...INITIAL_STATE, percent: 100, found: -1 }, 0],
    ['text', 0],
  ] as const)(
    'of another version starts again, and keeps a percentage that was shown',
    ([checkpoint, percent]) => {
      expect(parseCheckpoint(checkpoint)).toEqual({
        state: { ...INITIAL_STATE, percent },
        isReadable: false,
      });
    },
  );
});
