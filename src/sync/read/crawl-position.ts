/**
 * Where a crawl stands: what has to be known to go on, after a crash too. It is part of the checkpoint, which commits with the
 * patients of the pages before it.
 */
import { z } from 'zod';
import { Coverage, NOTHING_COVERED } from './completeness.ts';

const count = z.int().min(0);

export const CrawlPosition = z.object({
  /** The numbered page to go on with, 1-based, and how many of its records are stored. */
  page: z.int().min(1),
  place: count,
  /** Records on the pages before that one. */
  recordsBefore: count,
  /** Records a page holds; null until the first page was read. */
  pageSize: count.nullable(),
  /** When the run began to read, by Cliniko's clock where it tells (start-time.ts); null until the first page was read. */
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
 * Whether one position lies behind another. To read the same pages again is no progress.
 *
 * @param from where a claim found the run
 */
export function isBehind(from: CrawlPosition, to: CrawlPosition): boolean {
  const [before, now] = [numbersOf(from), numbersOf(to)];
  const first = now.findIndex((value, index) => value !== before[index]);
  return first !== -1 && (now[first] ?? 0) > (before[first] ?? 0);
}

const ORDER = ['page-scan', 'keyset-scan', 'catch-up'];

/** The numbers of a later position are greater, the first that differs decides. */
function numbersOf({ page, place, coverage }: CrawlPosition): number[] {
  const phase = ORDER.indexOf(coverage.phase);
  return coverage.phase === 'page-scan'
    ? [phase, page, place]
    : [phase, coverage.keysetScans, coverage.repairs];
}
