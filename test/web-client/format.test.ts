/** The texts of the pages, and the order of their lists. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_KEY_STORED } from '#contract/progress.ts';
import { organizationOf } from '../../web-client/src/dashboard/address.ts';
import { statusText } from '../../web-client/src/dashboard/status-text.ts';
import { backoffMs } from '../../web-client/src/live/connection.ts';
import { applyPolledState, unknownOrganization } from '../../web-client/src/live/organization-state.ts';
import { countByState, inOrder, narrowed } from '../../web-client/src/ops/listing.ts';
import { causeGroups, causeWords, createRowReader, noteOf } from '../../web-client/src/ops/rows.ts';
import {
  counterText,
  operationWords,
  shownPercent,
  storedShare,
  triggerWords,
} from '../../web-client/src/ui/format.ts';
import { announcedEnd, resultText } from '../../web-client/src/ui/result-text.ts';
import { aLog } from './support/logs.ts';

const stateOf = (log: ReturnType<typeof aLog>) =>
  applyPolledState(unknownOrganization(log.organization_id), { head: null, log });

describe('the live region', () => {
  test('announces the start, each quarter and the end, and nothing in between', () => {
    const spoken = [0, 3, 24.9, 25, 31, 50, 74.9, 75, 99.9].map((percent) =>
      statusText(stateOf(aLog({ percent }))),
    );
    expect(new Set(spoken)).toEqual(
      new Set(['Sync started.', 'Sync 25 percent done.', 'Sync 50 percent done.', 'Sync 75 percent done.']),
    );
    expect(statusText(stateOf(aLog({ status: 'completed', records_success: 648 })))).toBe(
      'Sync completed. 648 patients checked.',
    );
  });

  test('announces why a run waits and how it failed', () => {
    const metadata = {
      progress_percent: 30,
      phase: 'waiting' as const,
      waiting_reason: 'Cliniko asks us to wait',
    };
    expect(statusText(stateOf(aLog({ metadata })))).toBe('Cliniko asks us to wait');
    const failed = aLog({ status: 'failed', error_details: 'no answer' });
    expect(statusText(stateOf(failed))).toBe('Sync failed: no answer');
  });
});

describe('figures', () => {
  test("the counter is the guide's", () => {
    const log = aLog({ records_success: 448, metadata: { progress_percent: 69.4, patients_found: 648 } });
    expect(counterText(log)).toBe('448 / 648 patients');
    expect(counterText(null)).toBe('');
  });

  test('an unknown total is never written as 0', () => {
    const log = aLog({ metadata: { progress_percent: 0, patients_found: 0, phase: 'fetching' } });
    expect(counterText(log)).toBe('Counting patients');
    expect(shownPercent(log, 0)).toBeNull();
    const external = aLog({ records_success: 450, metadata: { progress_percent: 69.4 } });
    expect(counterText(external)).toBe('450 patients stored');
    expect(shownPercent(external, 69.4)).toBe(69.4);
  });

  test('a result counts what was checked, and what was not stored', () => {
    const metadata = { progress_percent: 100, inserted: 12, updated: 40, unchanged: 1802 };
    const counts = { records_processed: 1944, records_success: 1854, records_failed: 90 };
    const log = aLog({ status: 'completed', ...counts, metadata });
    expect(resultText(log)).toBe('1,944 patients checked: 12 new, 40 changed, 90 not stored');
    expect(storedShare(log)).toBeCloseTo(1854 / 1944);
    const unchanged = aLog({
      ...log,
      records_success: 1944,
      records_failed: 0,
      metadata: { ...metadata, inserted: 0, updated: 0 },
    });
    expect(resultText(unchanged)).toBe('1,944 patients checked: nothing changed');
    const { metadata: known } = unchanged;
    const marked = aLog({ ...unchanged, metadata: { ...known, missing_marked: 3 } });
    expect(resultText(marked)).toBe('1,944 patients checked: 3 missing');
    const held = aLog({ ...unchanged, metadata: { ...known, missing_held: 64 } });
    expect(announcedEnd(held)).toBe('Sync completed. 1,944 patients checked: 64 held.');
  });
});

describe('the address', () => {
  test.each([
    ['?org=123', 123],
    ['?org=2147483647', 2147483647],
    ['?org=2147483648', undefined],
    ['?org=0', undefined],
    ['?org=12x', undefined],
    ['?org=1e3', undefined],
    ['', undefined],
  ])('%s names %s', (search, organizationId) => {
    expect(organizationOf(search)).toBe(organizationId);
  });
});

describe('the list of the ops console', () => {
  const states = [
    stateOf(aLog({ organization_id: 1, status: 'completed' })),
    stateOf(aLog({ organization_id: 2, status: 'running' })),
    stateOf(aLog({ organization_id: 3, status: 'failed', started_at: '2026-11-23T09:00:00.000Z' })),
    stateOf(aLog({ organization_id: 4, status: 'failed', started_at: '2026-11-23T11:00:00.000Z' })),
    applyPolledState(unknownOrganization(5), { head: null, log: null }),
  ];
  const everything = new Map(states.map((state) => [state.organizationId, state]));
  const rows = createRowReader()(everything, new Map(), new Map([[2, 'Bayview Physio']]));
  const ids = (text: string, state: 'failed' | null = null) =>
    narrowed(inOrder(rows), { text, state, cause: null, sort: 'state' }).map(({ id }) => id);

  test('has failed organizations first, the newest of them on top', () => {
    expect(ids('')).toEqual([4, 3, 2, 5, 1]);
    expect(countByState(rows)).toMatchObject({ failed: 2, running: 1, ok: 1, never: 1 });
  });

  test('is searched by ids and words that stay, not by the age of the last success', () => {
    const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
    const success = (organization_id: number, at: string) =>
      stateOf(aLog({ organization_id, status: 'completed', started_at: at, completed_at: at }));
    const ages = [success(40, ago(7 * 60_000)), success(41, ago(12 * 3_600_000)), success(12, ago(0))];
    const aged = createRowReader()(
      new Map(ages.map((state) => [state.organizationId, state])),
      new Map(),
      new Map(),
    );
    const found = narrowed(aged, { text: '12', state: null, cause: null, sort: 'state' });
    expect(found.map(({ id }) => id)).toEqual([12]);
  });

  test('says why a run failed; that it failed, the state beside it says', () => {
    const failed = stateOf(aLog({ status: 'failed', error_details: 'Cliniko does not answer: 503' }));
    const [row] = createRowReader()(new Map([[failed.organizationId, failed]]), new Map(), new Map());
    expect(row && noteOf(row)).toBe('Cliniko does not answer: 503');
  });

  test('is filtered by text in any case, and by state', () => {
    expect(ids('PHYSIO bay')).toEqual([2]);
    expect(ids('5')).toEqual([5]);
    expect(ids('failed')).toEqual([4, 3]);
    expect(ids('4', 'failed')).toEqual([4]);
    expect(ids('fresh')).toEqual([1]);
  });
});

describe('the failures of the ops console', () => {
  test('keep clinics without a key apart from those whose key Cliniko refused', () => {
    const failed = (organization_id: number, error_details: string) =>
      stateOf(
        aLog({
          organization_id,
          status: 'failed',
          error_details,
          metadata: { progress_percent: 0, error_type: 'CLINIKO_AUTH_FAILED' },
        }),
      );
    const states = [
      failed(1, 'Cliniko API authentication failed: Invalid API key'),
      failed(2, NO_KEY_STORED),
      failed(3, NO_KEY_STORED),
      // Another program records a text, and no type.
      stateOf(
        aLog({
          organization_id: 4,
          status: 'failed',
          error_details: 'Timed out',
          metadata: { progress_percent: 0 },
        }),
      ),
    ];
    const everything = new Map(states.map((state) => [state.organizationId, state]));
    const groups = causeGroups(createRowReader()(everything, new Map(), new Map()));
    expect(groups.map(({ cause, ids, canRetry }) => [causeWords(cause), ids, canRetry])).toEqual([
      ['No API key is stored', [2, 3], false],
      ['Cliniko refused the API key', [1], false],
      ['Failed for another reason', [4], true],
    ]);
  });
});

test.for(['__proto__', 'constructor', 'toString'])('%s as the name of an operation is a text', (name) => {
  expect(operationWords(name)).toBe(name);
});

test('backoff stays between half and all of its step, and below its maximum', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
      const ms = backoffMs(failures, { firstMs: 500, mostMs: 15_000 }, random);
      const step = Math.min(15_000, 500 * 2 ** Math.min(failures, 30));
      expect(ms).toBeGreaterThanOrEqual(Math.floor(step / 2));
      expect(ms).toBeLessThanOrEqual(step);
    }),
  );
});

test.each([
  [{ kind: 'schedule', schedule: '0 2 * * *' }, 'Schedule 0 2 * * *'],
  [{ kind: 'retry', schedule: '0 2 * * *' }, 'Second attempt'],
  [{ kind: 'token', name: 'Reception' }, 'Token Reception'],
  [{ kind: 'person' }, 'A person'],
  [{ kind: 'external' }, 'Another program'],
  [{ kind: 'cron' }, null],
  [undefined, null],
])('what started a run is shown in words: %j', (trigger, words) => {
  const log = aLog();
  expect(triggerWords({ ...log, metadata: { ...log.metadata, trigger } })).toBe(words);
});
