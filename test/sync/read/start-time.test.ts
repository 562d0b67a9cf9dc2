import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { catchUpSince, createdUntil, startTimeOf } from '../../../src/sync/read/start-time.ts';

const NOW = Date.UTC(2026, 10, 25, 10);
const HOUR = 3_600_000;
const moment = fc.integer({ min: NOW - HOUR, max: NOW + HOUR }).map((ms) => new Date(ms));
const anyClocks = (law: (createdAt: Date, askedAt: Date) => void) =>
  fc.assert(fc.property(moment, moment, law));

describe('the start of a run', () => {
  test('leaves out of the page scan the patients created after its first request, by any clock', () => {
    anyClocks((createdAt, askedAt) => {
      // Cliniko cuts the times of its records to the second.
      const madeThen = `${askedAt.toISOString().slice(0, 19)}Z`;
      expect(createdUntil(startTimeOf(createdAt, askedAt)) < madeThen).toBe(true);
    });
  });

  test('is never after the run was asked for', () => {
    anyClocks((createdAt, askedAt) => {
      expect(startTimeOf(createdAt, askedAt).getTime()).toBeLessThanOrEqual(createdAt.getTime());
    });
  });

  test('has the catch-up scan look further back than the page scan leaves off', () => {
    anyClocks((createdAt, askedAt) => {
      const started = startTimeOf(createdAt, askedAt);
      expect(catchUpSince(started) < createdUntil(started)).toBe(true);
    });
  });

  test.for([
    ['Cliniko tells no time', undefined],
    ['the clocks are the same but for the way of an answer', new Date(NOW - 1_500)],
    ['Cliniko is ahead', new Date(NOW + HOUR)],
    ['Cliniko tells a time that cannot be', new Date(0)],
  ] as const)('is when the run was asked for, where %s', ([, askedAt]) => {
    expect(startTimeOf(new Date(NOW), askedAt)).toEqual(new Date(NOW));
  });
});
