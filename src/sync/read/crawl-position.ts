/**
 * The position of a crawl: what is needed to continue it, also after a crash. It is part of the checkpoint, which commits
 * with the patients of the pages before it.
 */
import { z } from 'zod';
import { Coverage, NOTHING_COVERED } from './completeness.ts';

const count = z.int().min(0);

export const CrawlPosition = z.object({
  /** The numbered page to continue with, 1-based; `place` is how many of its records are stored. */
  page: z.int().min(1),
  place: count,
  /** Records on the pages before that one. */
  recordsBefore: count,
  /** Records per page; null until the first page was read. */
  pageSize: count.nullable(),
  /** When the run began to read, by Cliniko's clock if known (start-time.ts); null until the first page was read. */
  startedAt: z.iso.datetime().nullable(),
  coverage: Coverage,
});
export type CrawlPosition = z.infer<typeof CrawlPosition>;

export const START: CrawlPosition = {
  page: 1,
  place: 0,
  recordsBefore: 0,
  pageSize: null,
  startedAt: null,
  coverage: NOTHING_COVERED,
};

/**
 * Whether `from` is behind `to`. Reading the same pages again is no progress.
 *
 * @param from the position at the claim
 */
export function isBehind(from: CrawlPosition, to: CrawlPosition): boolean {
  const [before, now] = [numbersOf(from), numbersOf(to)];
  const first = now.findIndex((value, index) => value !== before[index]);
  return first !== -1 && (now[first] ?? 0) > (before[first] ?? 0);
}

const ORDER = ['page-scan', 'keyset-scan', 'catch-up'];

/** Positions compare lexicographically: the first number that differs decides. */
function numbersOf({ page, place, coverage }: CrawlPosition): number[] {
  const phase = ORDER.indexOf(coverage.phase);
  return coverage.phase === 'page-scan'
    ? [phase, page, place]
    : [phase, coverage.keysetScans, coverage.repairs];
}
