import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  dueSchedules,
  keptApart,
  longestIntervalS,
  readFirings,
  readSchedules,
} from '../../src/organizations/planned-firings.ts';
import { longestIntervalMs, nextFiring, requireSchedules } from '../../src/organizations/schedule.ts';

const HOUR_MS = 3_600_000;
const ZONES = ['Australia/Sydney', 'Australia/Lord_Howe', 'Europe/London', 'America/St_Johns', 'Asia/Tokyo'];

const localDay = (at: Date, timeZone: string) =>
  new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(at);

/** All firings from a time on, for a number of days. */
function* firings(cron: string, time_zone: string, from: Date, days: number): Generator<Date> {
  const end = from.getTime() + days * 24 * HOUR_MS;
  for (let at: Date | null = from; ; ) {
    at = nextFiring({ cron, time_zone }, at, 0)?.planned ?? null;
    if (at === null || at.getTime() > end) return;
    yield at;
  }
}

describe('a nightly schedule', () => {
  test('fires once on every day of the clinic, whatever daylight saving does', () => {
    const night = fc.record({
      zone: fc.constantFrom(...ZONES),
      hour: fc.integer({ min: 0, max: 23 }),
      minute: fc.integer({ min: 0, max: 59 }),
      year: fc.integer({ min: 2025, max: 2035 }),
    });
    fc.assert(
      fc.property(night, ({ zone, hour, minute, year }) => {
        const from = new Date(Date.UTC(year, 0, 1, 12));
        const days = [...firings(`${minute} ${hour} * * *`, zone, from, 365)].map((at) => localDay(at, zone));

        expect(new Set(days).size).toBe(days.length);
        expect(days.length).toBeGreaterThanOrEqual(364);
      }),
      { numRuns: 40 },
    );
  });

  test.each([
    [
      'in the hour that is skipped comes when it would have ended',
      '2026-10-03T10:00:00Z',
      '2026-10-03T16:00:00.000Z',
    ],
    ['in the hour that comes twice comes the first time', '2027-04-03T10:00:00Z', '2027-04-03T15:30:00.000Z'],
    ['and not the second time', '2027-04-03T15:30:01Z', '2027-04-04T16:30:00.000Z'],
  ])('%s', (_what, after, firing) => {
    const schedule = { cron: '30 2 * * *', time_zone: 'Australia/Sydney' };
    expect(nextFiring(schedule, new Date(after), 0)?.due.toISOString()).toBe(firing);
  });
});

describe('a firing', () => {
  test('is later than the given time, has a random delay, and is earlier than the next one', () => {
    const crons = ['* * * * *', '*/7 * * * *', '0 2 * * *', '0 2 * * 1', '*/5 * * * * *'];
    fc.assert(
      fc.property(
        fc.constantFrom(...crons),
        fc.constantFrom(...ZONES),
        fc.date({ min: new Date('2025-01-01'), max: new Date('2035-01-01'), noInvalidDate: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (cron, time_zone, after, random) => {
          const schedule = { cron, time_zone };
          const planned = nextFiring(schedule, after, 0)?.planned ?? after;
          const spread = nextFiring(schedule, after, random)?.due ?? after;
          const following = nextFiring(schedule, planned, 0)?.planned ?? after;

          expect(planned.getTime()).toBeGreaterThan(after.getTime());
          expect(spread.getTime() - planned.getTime()).toBeLessThanOrEqual(10 * 60_000);
          expect(spread.getTime()).toBeGreaterThanOrEqual(planned.getTime());
          expect(spread.getTime()).toBeLessThan(following.getTime());
        },
      ),
    );
  });
});

describe('an invalid schedule', () => {
  test.each([
    ['words', 'every night', /cron expression/],
    ['seven fields', '0 0 2 * * * 2030', /cron expression/],
    ['a 30th of February', '0 0 30 2 *', /never fires/],
    ['twice a minute', '0,30 * * * * *', /more than once a minute/],
    ['every second', '* * * * * *', /more than once a minute/],
  ])('is rejected: %s', (_what, cron, complaint) => {
    expect(() => requireSchedules({ cron, time_zone: 'Europe/London' })).toThrow(complaint);
  });
});

describe('the longest interval', () => {
  test.each([
    ['every night', '0 2 * * *', 24],
    ['every four hours', '0 */4 * * *', 4],
    ['working hours, over a weekend', '0,30 9-17 * * 1-5', 63.5],
    ['every day but Monday', '0 6 * * 0,2-6', 48],
    ['monthly', '0 3 1 * *', 31 * 24],
    ['each day of the first half of a month', '0 6 1-14 * *', 18 * 24],
    ['each hour of the first days of a month', '0 * 1-5 * *', 26 * 24 + 1],
    ['each day of a quarter', '0 6 * 1-3 *', 276 * 24],
    ['each day outside a quarter that is months ahead', '0 6 * 4-12 *', 91 * 24],
    ['the first Monday of each month', '0 6 * * 1#1', 35 * 24],
    ['the last Friday of each month, with seconds', '30 0 6 * * 5L', 35 * 24],
    ['once a year', '0 6 1 7 *', 365 * 24],
  ])('of %s', (_what, cron, hours) => {
    const longest = longestIntervalMs({ cron, time_zone: 'Asia/Tokyo' }, new Date('2026-05-20T10:07:00Z'));
    expect(longest).toBe(hours * HOUR_MS);
  });
});

describe('the firings of several schedules', () => {
  const now = new Date('2026-05-20T10:07:00Z');
  const inHours = (hours: number) => {
    const planned = new Date(now.getTime() + hours * HOUR_MS);
    return { planned, due: planned };
  };
  const read = readSchedules([
    { cron: '0 */4 * * *', time_zone: 'Asia/Tokyo' },
    { cron: '0 2 * * *', time_zone: 'Asia/Tokyo' },
    { cron: '0 3 * * *', time_zone: 'Mars/Base' },
  ]);

  test('have the longest interval of them all', () => {
    expect(longestIntervalS(read, now)).toBe(86_400);
  });

  test('that belong to other schedules are forgotten', () => {
    const stored = [inHours(1), null, inHours(2)];
    expect(readFirings(JSON.parse(JSON.stringify(stored)), read)).toEqual(stored);
    expect(readFirings(JSON.parse(JSON.stringify(stored.slice(1))), read)).toEqual([]);
  });

  test('are due when they were planned, or the first of them when another program moved the time', () => {
    expect(dueSchedules(read, [inHours(-1), inHours(0), inHours(-2)], now)).toEqual([0, 1]);
    expect(dueSchedules(read, [inHours(3), inHours(1), inHours(-2)], now)).toEqual([1]);
  });

  test('are a minute away from a sync that started now', () => {
    const [near, far] = keptApart([inHours(0), inHours(1)], now);
    expect(near?.due.getTime()).toBe(now.getTime() + 60_000);
    expect(far).toEqual(inHours(1));
  });
});
