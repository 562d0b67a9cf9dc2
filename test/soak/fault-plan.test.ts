import { describe, expect, test } from 'vitest';
import { describeFault, planFault } from '../../soak/fault-plan.ts';
import { readOptions } from '../../soak/options.ts';

const planOf = (seed: number) =>
  Array.from({ length: 400 }, (_, n) => planFault({ seed, servers: 3, clinics: 40 }, n + 1));

describe('the faults of a soak', () => {
  test('are determined by the seed', () => {
    expect(planOf(7)).toEqual(planOf(7));
    expect(planOf(7)).not.toEqual(planOf(8));
  });

  test('are of every kind, and never end the server that shows what is not released', () => {
    const faults = planOf(7).map(({ fault }) => fault);
    expect(new Set(faults.map(({ kind }) => kind)).size).toBe(9);
    for (const fault of faults) {
      expect(describeFault(fault)).not.toContain('undefined');
      if (fault.kind === 'kill' || fault.kind === 'restart') expect([1, 2]).toContain(fault.server);
    }
  });
});

test('the options say what is wrong with them', () => {
  expect(readOptions(['--minutes=2', '--seed=7'])).toMatchObject({ minutes: 2, seed: 7, patients: 16_000 });
  expect(() => readOptions(['--minutes=none'])).toThrow('--minutes');
  expect(() => readOptions(['--seed=1.5'])).toThrow('--seed');
  expect(() => readOptions(['--minuets=3'])).toThrow('minuets');
});
