import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { beginningOf, createdUntil, sweepSince } from '../../../src/sync/read/start-time.ts';

const NOW = Date.UTC(2026, 10, 25, 10);
const HOUR = 3_600_000;
const moment = fc.integer({ min: NOW - HOUR, max: NOW + HOUR }).map((ms) => new Date(ms));
const anyClocks = (law: (createdAt: Date, askedAt: Date) => void) =>
  fc.assert(fc.property(moment, moment, law));

describe('the beginning of a run', () => {
  test('leaves out of the walk whoever is made after its first question, by any clock', () => {
    anyClocks((createdAt, askedAt) => {
      // Cliniko cuts the times of its records to the second.
      const madeThen = `${askedAt.toISOString().slice(0, 19)}Z`;
      expect(createdUntil(beginningOf(createdAt, askedAt)) < madeThen).toBe(true);
    });
  });

  test('is never after the run was asked for', () => {
    anyClocks((createdAt, askedAt) => {
      expect(beginningOf(createdAt, askedAt).getTime()).toBeLessThanOrEqual(createdAt.getTime());
    });
  });

  test('has the sweep look further back than the walk leaves off', () => {
    anyClocks((createdAt, askedAt) => {
      const beginning = beginningOf(createdAt, askedAt);
      expect(sweepSince(beginning) < createdUntil(beginning)).toBe(true);
    });
  });

  test.for([
    ['Cliniko tells no time', undefined],
    ['the clocks are the same but for the way of an answer', new Date(NOW - 1_500)],
    ['Cliniko is ahead', new Date(NOW + HOUR)],
    ['Cliniko tells a time that cannot be', new Date(0)],
  ] as const)('is when the run was asked for, where %s', ([, askedAt]) => {
    expect(beginningOf(new Date(NOW), askedAt)).toEqual(new Date(NOW));
  });
});
