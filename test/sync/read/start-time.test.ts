import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { catchUpSince, createdUntil, startTimeOf } from '../../../src/sync/read/start-time.ts';

const NOW = Date.UTC(2026, 10, 25, 10);
const HOUR = 3_600_000;
const moment = fc.integer({ min: NOW - HOUR, max: NOW + HOUR }).map((ms) => new Date(ms));
const anyClocks = (law: (createdAt: Date, askedAt: Date) => void) =>
  fc.assert(fc.property(moment, moment, law));

describe('the start of a run', () => {
  test('excludes patients created after the first request from the page scan, by any clock', () => {
    anyClocks((createdAt, askedAt) => {
      // Cliniko truncates the times of its records to the second.
      const madeThen = `${askedAt.toISOString().slice(0, 19)}Z`;
      expect(createdUntil(startTimeOf(createdAt, askedAt)) < madeThen).toBe(true);
    });
  });

  test('is never after the run was requested', () => {
    anyClocks((createdAt, askedAt) => {
      expect(startTimeOf(createdAt, askedAt).getTime()).toBeLessThanOrEqual(createdAt.getTime());
    });
  });

  test('makes the catch-up scan start before the end of the page scan', () => {
    anyClocks((createdAt, askedAt) => {
      const started = startTimeOf(createdAt, askedAt);
      expect(catchUpSince(started) < createdUntil(started)).toBe(true);
    });
  });

  test.for([
    ['Cliniko sends no time', undefined],
    ['the clocks differ only by the network latency', new Date(NOW - 1_500)],
    ['Cliniko is ahead', new Date(NOW + HOUR)],
    ['Cliniko sends an impossible time', new Date(0)],
  ] as const)('is when the run was requested if %s', ([, askedAt]) => {
    expect(startTimeOf(new Date(NOW), askedAt)).toEqual(new Date(NOW));
  });
});
