/** The calculations of the pages: throughput, charts, settings form, event tail. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_SETTINGS, type Organization } from '#contract/organization.ts';
import { ApiError } from '../../web-client/src/api.ts';
import {
  averageOf,
  durationByRun,
  floorOfPercent,
  rateByRun,
  successByDay,
} from '../../web-client/src/dashboard/charts/figures.ts';
import {
  canAddSchedule,
  cronOf,
  NO_SCHEDULE,
  withSchedule,
} from '../../web-client/src/dashboard/schedule-draft.ts';
import {
  changeOf,
  countryName,
  draftOf,
  errorsOf,
  settingsErrors,
} from '../../web-client/src/dashboard/settings-draft.ts';
import { applyPolledState, unknownOrganization } from '../../web-client/src/live/organization-state.ts';
import {
  activityBetween,
  linesOfRuns,
  processedBetween,
  withLines,
  withRecent,
} from '../../web-client/src/ops/activity.ts';
import { inOrder, sorted } from '../../web-client/src/ops/listing.ts';
import { createRowReader } from '../../web-client/src/ops/rows.ts';
import {
  moved,
  noThroughput,
  recentRate,
  SECONDS_KEPT,
  smoothedRate,
  withCount,
} from '../../web-client/src/ui/throughput.ts';
import { dayAndTimeText, relativeText } from '../../web-client/src/ui/time-format.ts';
import { aLog } from './support/logs.ts';

const stateOf = (log: ReturnType<typeof aLog> | null, organizationId = log?.organization_id ?? 1) =>
  applyPolledState(unknownOrganization(organizationId), { head: null, log });

const everythingOf = (...logs: ReturnType<typeof aLog>[]) =>
  new Map(logs.map((log) => [log.organization_id, stateOf(log)]));

describe('the throughput', () => {
  test('is the mean of the last whole seconds, including those without events', () => {
    const counted = withCount(withCount(noThroughput(100), 100, 40), 101, 60);
    expect(recentRate(moved(counted, 102), 5)).toBe(20);
    expect(recentRate(moved(counted, 107), 5)).toBe(0);
  });

  test('has a smoothed rate after three seconds, and the size of a group of pages is none', () => {
    let throughput = noThroughput(0);
    // 400 patients every fourth second.
    for (let second = 1; second <= 41; second += 1) {
      throughput = second % 4 === 0 ? withCount(throughput, second, 400) : moved(throughput, second);
      const rate = smoothedRate(throughput);
      if (second < 3) expect(rate).toBeNull();
      if (second > 12) expect(Math.abs((rate ?? 0) - 100)).toBeLessThan(35);
    }
  });

  test('never loses or invents a patient within the stored time', () => {
    const steps = fc.array(fc.record({ passed: fc.nat(3), count: fc.nat(500) }), { maxLength: 19 });
    fc.assert(
      fc.property(steps, (taken) => {
        let throughput = noThroughput(0);
        let second = 0;
        for (const { passed, count } of taken) {
          second += passed;
          throughput = withCount(throughput, second, count);
        }
        expect(throughput.counts).toHaveLength(SECONDS_KEPT);
        const total = taken.reduce((sum, { count }) => sum + count, 0);
        expect(throughput.counts.reduce((sum, count) => sum + count, 0)).toBe(total);
      }),
    );
  });
});

describe('the charts', () => {
  const analytics = {
    success_by_day: [
      { sync_date: '2026-11-23', total_syncs: 2, avg_success_rate: 99.5 },
      { sync_date: '2026-11-22', total_syncs: 1, avg_success_rate: null },
      { sync_date: '2026-11-21', total_syncs: 1, avg_success_rate: 80 },
    ],
    performance_by_operation: [],
  };

  test('distinguish a day without patients from a day on which all failed', () => {
    const days = successByDay(analytics);
    expect(days.map(({ value }) => value)).toEqual([80, null, 99.5]);
    expect(days[1]?.words).toContain('no patients');
    expect(averageOf(days)).toBe(89.75);
    expect(floorOfPercent(days)).toBe(70);
    expect(averageOf([])).toBeNull();
    expect(floorOfPercent([])).toBe(95);
  });

  test('give a run without patients a duration, and no rate', () => {
    const empty = aLog({
      status: 'completed',
      records_processed: 0,
      started_at: '2026-11-23T10:00:00.000Z',
      completed_at: '2026-11-23T10:00:02.000Z',
    });
    const usual = { ...empty, id: empty.id + 1, records_processed: 500 };
    expect(durationByRun([usual, empty]).map(({ value }) => value)).toEqual([2, 2]);
    expect(rateByRun([usual, empty]).map(({ value }) => value)).toEqual([null, 250]);
  });

  test('show a failed run, and leave it out of the averages', () => {
    const times = { started_at: '2026-11-23T10:00:00.000Z', completed_at: '2026-11-23T10:00:02.000Z' };
    const completed = aLog({ ...times, status: 'completed', records_processed: 500 });
    const failed = {
      ...aLog({ ...times, status: 'failed' }),
      id: 2,
      completed_at: '2026-11-23T10:01:00.000Z',
    };
    const durations = durationByRun([failed, completed]);
    expect(durations.map(({ value, isFailed }) => [value, isFailed])).toEqual([
      [2, false],
      [60, true],
    ]);
    expect(durations[1]?.words).toMatch(/failed after 1m 0s$/);
    expect(averageOf(durations)).toBe(2);
    expect(rateByRun([failed, completed]).map(({ value }) => value)).toEqual([250, null]);
  });
});

describe('the settings form', () => {
  const clinic: Organization = {
    ...DEFAULT_SETTINGS,
    organization_id: 123,
    name: 'Harbour Street Clinic',
    has_credentials: true,
    next_sync_at: null,
    ...{ paused_at: null, paused_by: null, everything_paused: false },
    schedule_error: null,
  };

  test('requests nothing without a change', () => {
    expect(changeOf(draftOf(clinic), clinic)).toEqual({});
    const scheduled = { ...clinic, schedule: { cron: '30 2 * * *', time_zone: 'Europe/London' } };
    expect(changeOf(draftOf(scheduled), scheduled)).toEqual({});
  });

  test('requests the changed fields, and removes a name with null', () => {
    const draft = { ...draftOf(clinic), name: ' ', phone: 'reject' as const };
    expect(changeOf(draft, clinic)).toEqual({
      name: null,
      validation: { phone: 'reject', email: 'optional' },
    });
  });

  test.each([
    ['0 * * * *', 'hourly'],
    ['0 */4 * * *', 'four-hourly'],
    ['5 14 * * *', 'daily'],
    ['0 2 * * 1-5', 'own'],
  ])('knows %s as %s, and writes it back as it was', (cron, rhythm) => {
    const draft = draftOf({ ...clinic, schedule: { cron, time_zone: clinic.time_zone } });
    expect(draft.schedules.map((one) => [one.rhythm, cronOf(one)])).toEqual([[rhythm, cron]]);
  });

  test('ends a schedule with null', () => {
    const scheduled = { ...clinic, schedule: { cron: '0 2 * * *', time_zone: clinic.time_zone } };
    expect(changeOf({ ...draftOf(scheduled), schedules: [NO_SCHEDULE] }, scheduled)).toEqual({
      schedule: null,
    });
  });

  test('keeps the form of a list, and the schedules that are not edited', () => {
    const full = { cron: '0 2 * * *', time_zone: 'Europe/London' };
    const changed = { cron: '0 */4 * * *', time_zone: 'Europe/London', mode: 'changed' as const };
    const scheduled = { ...clinic, schedule: [full, changed] };
    expect(changeOf(draftOf(scheduled), scheduled)).toEqual({});
    const [first = NO_SCHEDULE, second = NO_SCHEDULE] = draftOf(scheduled).schedules;
    const edited = [first, { ...second, rhythm: 'hourly' as const, timeZone: undefined }];
    expect(changeOf({ ...draftOf(scheduled), schedules: edited }, scheduled)).toEqual({
      schedule: [full, { cron: '0 * * * *', time_zone: clinic.time_zone, mode: 'changed' }],
    });
    expect(withSchedule([first])).toHaveLength(2);
    expect([first, NO_SCHEDULE].map((one) => canAddSchedule([one]))).toEqual([true, false]);
  });

  test('moves a schedule with the time zone of the clinic, unless it has one of its own', () => {
    const own = { cron: '0 3 * * *', time_zone: 'Europe/London' };
    const following = { cron: '30 2 * * *', time_zone: clinic.time_zone };
    const scheduled = { ...clinic, schedule: [following, own] };
    expect(changeOf({ ...draftOf(scheduled), timeZone: 'Australia/Perth' }, scheduled)).toEqual({
      time_zone: 'Australia/Perth',
      schedule: [{ ...following, time_zone: 'Australia/Perth' }, own],
    });
  });

  test('shows an error at its field', () => {
    const [off, own] = [NO_SCHEDULE, { ...NO_SCHEDULE, rhythm: 'own' as const, cron: ' ' }];
    const draft = { ...draftOf(clinic), country: 'QQ', schedules: [off, own] };
    expect(settingsErrors(draft)).toEqual({
      country: expect.stringContaining('Two letters'),
      schedules: { 1: 'Write a cron expression.' },
    });
    const refusedAs = (field: string) => errorsOf(new ApiError(`"${field}" never fires.`, { field }), draft);
    // The only schedule that is sent is the second of the form.
    expect(refusedAs('schedule.cron')).toEqual({ schedules: { 1: 'Never fires.' } });
    expect(refusedAs('time_zone')).toEqual({ timeZone: 'Never fires.' });
    expect(refusedAs('body')).toBeNull();
  });

  test('shows a country only for a known code', () => {
    expect(countryName('AU')).toBe('Australia');
    expect(countryName('A')).toBeUndefined();
  });
});

describe('the event tail', () => {
  const running = aLog({ organization_id: 7, id: 70, status: 'running', records_processed: 100 });

  test('lists starts, waits and ends, and not every step', () => {
    const step = { ...running, records_processed: 150 };
    const waits = {
      ...step,
      metadata: { ...step.metadata, phase: 'waiting' as const, waiting_reason: 'A limit' },
    };
    const done = { ...step, status: 'completed' as const, records_success: 150 };
    const words = (before: typeof running, after: typeof running) =>
      activityBetween(everythingOf(before), everythingOf(after)).map((line) => line.words);
    expect(words(running, step)).toEqual([]);
    expect(words(step, waits)).toEqual(['A limit']);
    expect(words(waits, step)).toEqual(['Continuing']);
    expect(words(step, done)).toEqual(['Completed, 150 patients']);
    expect(words(done, { ...running, id: 71 })).toEqual(['Full sync started']);
  });

  test('neither lists nor counts the first state of an organization', () => {
    expect(activityBetween(new Map(), everythingOf(running))).toEqual([]);
    expect(processedBetween(new Map(), everythingOf(running))).toBe(0);
    expect(
      processedBetween(everythingOf(running), everythingOf({ ...running, records_processed: 130 })),
    ).toBe(30);
    expect(
      processedBetween(everythingOf(running), everythingOf({ ...running, id: 71, records_processed: 9 })),
    ).toBe(9);
  });

  test('has the newest line first, each with a unique key, and is bounded', () => {
    const line = { organizationId: 7, runId: 70, isEnd: false, words: 'Continuing', tone: 'plain' as const };
    let lines = withLines([], [line, { ...line, words: 'Completed' }], 1);
    expect(lines.map(({ words }) => words)).toEqual(['Completed', 'Continuing']);
    for (let round = 0; round < 500; round += 1) lines = withLines(lines, [line], round);
    expect(lines).toHaveLength(400);
    expect(new Set(lines.map(({ key }) => key)).size).toBe(400);
  });

  test('places the runs of the log by time, each event once, also when the stream told it already', () => {
    const failed = aLog({ organization_id: 7, id: 69, status: 'failed' });
    const done = { ...running, status: 'completed' as const, completed_at: running.started_at };
    const live = withLines([], activityBetween(everythingOf(running), everythingOf(done)), Date.now());
    const lines = withRecent(live, linesOfRuns([failed, failed, done]));
    expect(lines.filter(({ runId, isEnd }) => runId === running.id && isEnd)).toHaveLength(1);
    expect(lines.filter(({ runId }) => runId === failed.id).map(({ isEnd }) => isEnd)).toEqual([true, false]);
    expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).sort((one, other) => other - one));
  });
});

test('the console sorts names in natural order, and by the most work left', () => {
  const names = new Map([
    [1, 'Clinic 10'],
    [2, 'Clinic 9'],
    [3, 'clinic 11'],
  ]);
  const everything = everythingOf(
    aLog({ organization_id: 1, status: 'completed' }),
    aLog({ organization_id: 2, status: 'running', percent: 80 }),
    aLog({ organization_id: 3, status: 'running', percent: 10 }),
  );
  const rows = inOrder(createRowReader()(everything, new Map(), names));
  const ids = (sort: 'name' | 'progress') => sorted(rows, sort).map(({ id }) => id);
  expect(ids('name')).toEqual([2, 1, 3]);
  expect(ids('progress')).toEqual([3, 2, 1]);
});

describe('the distance of a time', () => {
  test('is a number of whole units, and never "tomorrow" for a time that is later', () => {
    const now = Date.parse('2026-11-29T10:00:00Z');
    const english = (at: string) => relativeText(at, now, 'en');
    expect(english('2026-11-29T10:00:20Z')).toBe('now');
    expect(english('2026-11-29T09:55:00Z')).toBe('5 minutes ago');
    expect(english('2026-11-29T19:59:00Z')).toBe('in 9 hours');
    expect(english('2026-12-01T09:00:00Z')).toBe('in 1 day');
  });
});

describe('a day', () => {
  test('has its year where a reader would take it for the present one', () => {
    const now = new Date();
    const thisYear = String(now.getFullYear());
    expect(dayAndTimeText(new Date('2001-05-13T08:11:00Z'))).toContain('2001');
    expect(dayAndTimeText(now)).not.toContain(thisYear);
    expect(dayAndTimeText(new Date(now.getFullYear(), 1, 3))).not.toContain(thisYear);
  });
});
