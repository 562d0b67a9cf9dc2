import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ClinikoFailure } from '../../src/cliniko/error.ts';
import {
  backoffMs,
  countedTries,
  isSpent,
  isWorthRetrying,
  pauseEnd,
  rateLimitReset,
} from '../../src/cliniko/retry.ts';
import { clinikoBaseUrl } from '../../src/cliniko/shard.ts';

const now = Date.UTC(2026, 10, 23, 10);

describe('the delay before another try', () => {
  test('is between half and all of a capped exponential delay', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (tries, random) => {
          const ms = backoffMs(tries, random);
          const most = Math.min(30_000, 500 * 2 ** (tries - 1));
          expect(ms).toBeGreaterThanOrEqual(Math.floor(most / 2));
          expect(ms).toBeLessThanOrEqual(most);
        },
      ),
    );
    expect(backoffMs(1, 1)).toBe(500);
    expect(backoffMs(3, 0)).toBe(1_000);
    expect(backoffMs(1, 1, 'failing')).toBe(10_000);
  });
});

describe('the tries of a page', () => {
  const limited: ClinikoFailure = { kind: 'rate-limited', resetAt: new Date(now) };
  const broken: ClinikoFailure = { kind: 'unavailable', status: 503 };
  const failures = (limits: number, breaks: number) => [
    ...Array(limits).fill(limited),
    ...Array(breaks).fill(broken),
  ];

  test.for([
    [30, 5, false],
    [31, 0, true],
    [0, 14, false],
    [0, 15, true],
  ] as const)('%i rate limits and %i other failures: used up? %s', ([limits, breaks, spent]) => {
    expect(isSpent(failures(limits, breaks))).toBe(spent);
  });

  test('do not include rate limits', () => {
    expect(countedTries(failures(30, 1))).toBe(1);
  });

  test.for([
    [{ kind: 'unauthorised' }, false],
    [{ kind: 'forbidden' }, false],
    [limited, true],
    [broken, true],
    [{ kind: 'unavailable', status: undefined }, true],
    [{ kind: 'unreadable', status: 200 }, true],
    [{ kind: 'unreadable', status: 302 }, false],
    [{ kind: 'unreadable', status: 404 }, false],
  ] as const)('%j is worth a retry: %s', ([failure, worth]) => {
    expect(isWorthRetrying(failure)).toBe(worth);
  });
});

describe('the end of a rate limit', () => {
  const waitFor = (headers: Record<string, string>) => rateLimitReset(headers, now).getTime() - now;
  const reset = (seconds: number) => ({ 'x-ratelimit-reset': String(now / 1_000 + seconds) });

  test.for([
    ['is the time that Cliniko sends', reset(42), 42_000],
    ['is at least a second away', reset(0), 1_000],
    ['is soon when it has just passed', reset(-4), 1_000],
    ['is a default when our clock is ahead', reset(-3_600), 15_000],
    ['is Retry-After when our clock is ahead', { ...reset(-3_600), 'retry-after': '7' }, 7_000],
    ['is at most two minutes away', reset(86_400), 120_000],
    ['is Retry-After when that is all there is', { 'retry-after': '7' }, 7_000],
    ['is a default when no header is sent', {}, 15_000],
    ['is a default when the header is invalid', { 'x-ratelimit-reset': 'soon' }, 15_000],
  ] as const)('%s', ([, headers, expected]) => {
    expect(waitFor(headers)).toBe(expected);
  });

  test('follows the clock of Cliniko when it is known and differs from ours', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: -86_400, max: 86_400 }),
        (wait, apart) => {
          const theirs = now / 1_000 + apart;
          const date = new Date(theirs * 1_000).toUTCString();
          const ms = waitFor({ date, 'x-ratelimit-reset': String(theirs + wait) });
          // Rounding to seconds and network latency explain up to three seconds.
          expect(Math.abs(ms - wait * 1_000)).toBeLessThanOrEqual(3_000);
          expect(Math.abs(apart) > 3 ? ms : wait * 1_000).toBe(wait * 1_000);
        },
      ),
    );
  });

  test('follows our clock when Cliniko sends no readable time', () => {
    for (const date of ['2026-11-23T09:00:00Z', 'Mon, 99 Nov 2026 09:00:00 GMT', 'yesterday', ''])
      expect(waitFor({ date, ...reset(42) })).toBe(42_000);
  });

  test('is within 1 to 120 s whatever the header says', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.nat({ max: 2 ** 40 }).map(String), fc.stringMatching(/^[ -~]{0,20}$/)),
        (header) => {
          expect(waitFor({ 'x-ratelimit-reset': header })).toBeGreaterThanOrEqual(1_000);
          expect(waitFor({ 'x-ratelimit-reset': header })).toBeLessThanOrEqual(120_000);
        },
      ),
    );
  });
});

describe('the pause after a rate limit', () => {
  const pauses = (resetMs: number) =>
    Array.from(
      { length: 30 },
      (_, index) => pauseEnd(new Date(now + resetMs), index + 1, now).getTime() - now,
    );

  test('ends at the reset, however many limits there were', () => {
    expect(new Set(pauses(60_000))).toEqual(new Set([60_000]));
  });

  test('grows after several resets that were too early, so that all of a page last for minutes', () => {
    expect(pauses(1_000).slice(0, 9)).toEqual([1, 1, 1, 1, 1, 2, 4, 8, 15].map((seconds) => seconds * 1_000));
    expect(pauses(1_000).reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(5 * 60_000);
  });
});

describe('the base URL of an account', () => {
  test.for([
    ['MS0xLTE-au2', 'https://api.au2.cliniko.com/v1'],
    ['MS0xLTE-UK12', 'https://api.uk12.cliniko.com/v1'],
    ['MS0xLTE', 'https://api.au1.cliniko.com/v1'],
    ['MS0-au2-x', 'https://api.au1.cliniko.com/v1'],
    ['MS0-evil.example.com/', 'https://api.au1.cliniko.com/v1'],
    ['MS0-au2\n', 'https://api.au1.cliniko.com/v1'],
    ['MS0-a_2', 'https://api.au1.cliniko.com/v1'],
  ] as const)('of the key %j is %s', ([key, url]) => {
    expect(clinikoBaseUrl(key)).toBe(url);
  });
});
