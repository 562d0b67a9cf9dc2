/** Quiet hours by the clock of their time zone: across midnight, and on the days on which the clock changes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isQuiet, lastQuietEnd, quietUntil } from '../../src/webhooks/quiet-hours.ts';

const NIGHT = { from: '22:00', to: '06:00', time_zone: 'Australia/Sydney' };
const at = (text: string) => new Date(text);

const time = fc
  .tuple(fc.nat(23), fc.nat(59))
  .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
const zone = fc.constantFrom('UTC', 'Australia/Lord_Howe', 'America/New_York', 'Asia/Kathmandu');
/** Any of a year, and around the changes of the clock in Sydney's and New York's zones. */
const moment = fc.oneof(
  fc.date({ min: at('2026-01-01T00:00:00Z'), max: at('2027-01-01T00:00:00Z'), noInvalidDate: true }),
  fc
    .tuple(fc.constantFrom('2026-03-08', '2026-04-04', '2026-10-03', '2026-11-01'), fc.nat(2 * 24 * 60))
    .map(([day, minutes]) => new Date(Date.parse(`${day}T00:00:00Z`) + (minutes - 720) * 60_000)),
);

describe('quiet hours', () => {
  test('across midnight begin in the evening and end in the morning of their time zone', () => {
    // In January Sydney is eleven hours ahead of UTC.
    expect(isQuiet(NIGHT, at('2026-01-10T10:59:59Z'))).toBe(false);
    expect(isQuiet(NIGHT, at('2026-01-10T11:00:00Z'))).toBe(true);
    expect(isQuiet(NIGHT, at('2026-01-10T13:30:00Z'))).toBe(true);
    expect(isQuiet(NIGHT, at('2026-01-10T18:59:59Z'))).toBe(true);
    expect(isQuiet(NIGHT, at('2026-01-10T19:00:00Z'))).toBe(false);
  });

  test('follow the clock when daylight saving begins and ends', () => {
    // On 4 October 2026 02:00 becomes 03:00, on 5 April 2026 03:00 becomes 02:00.
    expect(isQuiet(NIGHT, at('2026-10-03T18:59:00Z'))).toBe(true);
    expect(isQuiet(NIGHT, at('2026-10-03T19:00:00Z'))).toBe(false);
    expect(isQuiet(NIGHT, at('2026-04-04T19:00:00Z'))).toBe(true);
    expect(isQuiet(NIGHT, at('2026-04-04T19:59:00Z'))).toBe(true);
    expect(isQuiet(NIGHT, at('2026-04-04T20:00:00Z'))).toBe(false);
    // An end that the clock skips: it is past once the clock has passed it.
    const early = { ...NIGHT, to: '02:30' };
    expect(isQuiet(early, at('2026-10-03T15:59:00Z'))).toBe(true);
    expect(isQuiet(early, at('2026-10-03T16:00:00Z'))).toBe(false);
    expect(quietUntil(early, at('2026-10-03T12:00:00Z'))).toEqual(at('2026-10-03T16:00:00Z'));
  });

  test('within a day last from their begin until their end', () => {
    const lunch = { from: '12:00', to: '13:00', time_zone: 'UTC' };
    expect(isQuiet(lunch, at('2026-05-05T11:59:59Z'))).toBe(false);
    expect(isQuiet(lunch, at('2026-05-05T12:00:00Z'))).toBe(true);
    expect(isQuiet(lunch, at('2026-05-05T13:00:00Z'))).toBe(false);
    expect(isQuiet(null, at('2026-05-05T12:30:00Z'))).toBe(false);
  });

  test('end at a time of their time zone, also on the days on which the clock changes', () => {
    expect(quietUntil(NIGHT, at('2026-01-10T10:59:59Z'))).toBeUndefined();
    expect(quietUntil(null, at('2026-01-10T11:00:00Z'))).toBeUndefined();
    for (const [during, after, end] of [
      ['2026-01-10T11:00:30Z', '2026-01-11T10:59:00Z', '2026-01-10T19:00:00Z'],
      ['2026-10-03T12:00:00Z', '2026-10-03T20:00:10Z', '2026-10-03T19:00:00Z'],
      ['2026-04-04T12:00:00Z', '2026-04-05T11:00:00Z', '2026-04-04T20:00:00Z'],
    ] as const) {
      expect(quietUntil(NIGHT, at(during))).toEqual(at(end));
      expect(lastQuietEnd(NIGHT, at(after))).toEqual(at(end));
    }
  });

  test('end with their first minute that is not quiet, wherever the clock is changed', () => {
    fc.assert(
      fc.property(time, time, zone, moment, (from, to, time_zone, now) => {
        const hours = { from, to, time_zone };
        fc.pre(from !== to && isQuiet(hours, now));
        const end = quietUntil(hours, now) ?? now;
        let first = new Date(now.getTime() - (now.getTime() % 60_000));
        while (isQuiet(hours, first)) first = new Date(first.getTime() + 60_000);
        expect(end).toEqual(first);
      }),
      { numRuns: 50 },
    );
    // They began less than an hour before their end, which the clock skips.
    const short = { from: '00:40', to: '01:30', time_zone: 'Europe/London' };
    expect(quietUntil(short, at('2026-03-29T00:50:00Z'))).toEqual(at('2026-03-29T01:00:00Z'));
  });

  test('and the same hours the other way round cover each moment once', () => {
    fc.assert(
      fc.property(time, time, zone, moment, (from, to, time_zone, now) => {
        fc.pre(from !== to);
        expect(isQuiet({ from, to, time_zone }, now)).toBe(!isQuiet({ from: to, to: from, time_zone }, now));
      }),
    );
  });
});
