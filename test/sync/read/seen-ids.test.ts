import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeenIds } from '../../../src/sync/read/seen-ids.ts';

/** Few of each kind, so that ids repeat: digits up to 19, leading zeros, hashes, empty text. */
const id = fc.oneof(
  fc.integer({ min: 0, max: 50 }).map(String),
  fc.integer({ min: 0, max: 50 }).map((number) => `00${number}`),
  fc.bigInt({ min: 9_999_999_999_999_999_950n, max: 10_000_000_000_000_000_020n }).map(String),
  fc.bigInt({ min: 0n, max: 10n ** 19n }).map(String),
  fc.constantFrom('', '-1', '1e3', ' 7', '7 ', '+7', 'sha256:abc', '0x1f'),
);

describe('a set of ids', () => {
  test('contains what was added, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(id), fc.array(id), (added, asked) => {
        const ids = new SeenIds();
        const expected = new Set<string>();
        for (const one of added) {
          ids.add(one);
          expected.add(one);
        }
        for (const one of [...added, ...asked]) expect(ids.has(one)).toBe(expected.has(one));
      }),
    );
  });

  test('is not slowed down by ids chosen to collide', () => {
    const chosen = Array.from({ length: 100_000 }, (_, number) => String(BigInt(number + 1) << 44n));
    const ordinary = chosen.map((_, number) => String(1_400_000_000_000_000_000n + BigInt(number) * 7_919n));
    /** The best of three: another process may interrupt one. */
    const costMs = (list: readonly string[]): number =>
      Math.min(
        ...[1, 2, 3].map(() => {
          const ids = new SeenIds();
          const began = performance.now();
          for (const one of list) ids.add(one);
          expect(list.filter((one) => !ids.has(one))).toEqual([]);
          return performance.now() - began;
        }),
      );
    // Where they collide, each id is compared with all ids before it: a thousand times the work.
    expect(costMs(chosen)).toBeLessThan(20 * costMs(ordinary));
  });

  test('contains exactly the added ids of a large clinic with consecutive ids', () => {
    const ids = new SeenIds();
    const first = 1_400_000_000_000_000_000n;
    for (let number = 0n; number < 100_000n; number++) ids.add(String(first + number * 2n));
    const wrong = Array.from({ length: 200_000 }, (_, at) => at).filter(
      (at) => ids.has(String(first + BigInt(at))) !== (at % 2 === 0),
    );
    expect(wrong).toEqual([]);
  });
});
