/**
 * Whether a run has seen its whole clinic: arithmetic on the totals and counts of the pages.
 *
 * Numbered pages prove it when their total never changed and equals the number of patients seen. A hard delete during the scan
 * moves every later patient up by one, possibly to a page that was already read. Then keyset scans follow (keyset-scan.ts),
 * which no change can shift, until one of them reads a clinic that does not change. Otherwise the result is reported as
 * unproven.
 *
 * Not here: what happens to patients that were not seen (patients/missing-patients.ts).
 */
import { z } from 'zod';
import { formatCount, formatPatients } from '#contract/count.ts';
import type { CompletenessProof } from '#contract/sync-log.ts';

const count = z.int().min(0);

/** The phases of a crawl. Each maps its legal next phases to the reason of the transition. */
const CRAWL_TRANSITIONS = {
  'page-scan': {
    'keyset-scan': 'the numbered pages did not prove that they are complete',
    'catch-up': 'the whole clinic was read',
  },
  'keyset-scan': {
    'keyset-scan': 'the clinic changed during this scan too',
    'catch-up': 'the whole clinic was read, or another scan would prove no more',
  },
  'catch-up': {
    'keyset-scan': 'an active patient was archived during the page scan, which moves the pages behind it',
  },
} as const;
export type CrawlPhase = keyof typeof CRAWL_TRANSITIONS;

export const Coverage = z.object({
  phase: z.enum(Object.keys(CRAWL_TRANSITIONS) as CrawlPhase[]),
  /** Number of keyset scans started. */
  keysetScans: count,
  /** The last id that the keyset scan has read; null at its start. */
  afterId: z.string().nullable(),
  /** Whether the keyset scan has no bound on `created_at`. */
  unbounded: z.boolean(),
  /** Distinct patients that the page scan, or the latest keyset scan, has seen. */
  seen: count,
  totalAtStart: count.nullable(),
  totalAtEnd: count.nullable(),
  totalUnchanged: z.boolean(),
  /** Whether another list than the one that is counted returned fewer patients than its total. A server of an earlier version wrote none. */
  isShort: z.boolean().default(false),
  /** Number of pages that keyset scans have read. */
  repairs: count,
  /** Records without a usable id: it is not known which patients they are. */
  withoutId: count,
});
export type Coverage = z.infer<typeof Coverage>;

export const NOTHING_COVERED: Coverage = {
  phase: 'page-scan',
  keysetScans: 0,
  afterId: null,
  unbounded: false,
  seen: 0,
  totalAtStart: null,
  totalAtEnd: null,
  totalUnchanged: true,
  isShort: false,
  repairs: 0,
  withoutId: 0,
};

/** @param total of the list, as the newest page reports it; null when it reports none */
function sawTotal(coverage: Coverage, total: number | null): Coverage {
  const { totalAtStart, totalAtEnd, totalUnchanged } = coverage;
  return {
    ...coverage,
    totalAtStart: totalAtStart ?? total,
    totalAtEnd: total ?? totalAtEnd,
    totalUnchanged: totalUnchanged && (total === null || totalAtStart === null || totalAtStart === total),
  };
}

/**
 * @param isFiltered whether Cliniko applied the filter on `created_at`: otherwise the total has another meaning and proves
 * nothing
 */
export function sawNumberedPage(coverage: Coverage, total: number | null, isFiltered: boolean): Coverage {
  const counted = sawTotal(coverage, total);
  return { ...counted, totalUnchanged: counted.totalUnchanged && isFiltered };
}

export function beganKeysetScan(coverage: Coverage, unbounded: boolean): Coverage {
  const { keysetScans, repairs, withoutId } = coverage;
  return {
    ...NOTHING_COVERED,
    phase: 'keyset-scan',
    keysetScans: keysetScans + 1,
    unbounded,
    repairs,
    withoutId,
  };
}

/**
 * A keyset scan that could not read the list to its end has counted a part of it, so the totals and the count of the scan before
 * it stay. They prove nothing more than before.
 *
 * @param before coverage of the scan before; one that was complete has counted another list
 */
export function gaveUpKeysetScan(coverage: Coverage, before: Coverage): Coverage {
  if (isComplete(before)) return coverage;
  const { seen, totalAtStart, totalAtEnd } = before;
  return { ...coverage, seen, totalAtStart, totalAtEnd, totalUnchanged: false };
}

/** @param page `left`: records from this page on, this page included; null when Cliniko did not report it */
export function finishedKeysetPage(
  coverage: Coverage,
  page: { records: number; afterId: string | null; left: number | null },
): Coverage {
  const totalNow = page.left === null ? null : coverage.seen + page.left;
  const isSame = totalNow !== null && totalNow === (coverage.totalAtStart ?? totalNow);
  return {
    ...sawTotal(coverage, totalNow),
    totalUnchanged: coverage.totalUnchanged && isSame,
    afterId: page.afterId,
    seen: coverage.seen + page.records,
    repairs: coverage.repairs + 1,
  };
}

/** Whether every patient was seen, so that no further scan would find another one. False without a total from Cliniko. */
export function isComplete({ totalUnchanged, isShort, seen, totalAtEnd }: Coverage): boolean {
  return totalUnchanged && !isShort && seen === totalAtEnd;
}

/** Whether the coverage is complete and every record had an id. */
export function isProven(coverage: Coverage): boolean {
  return isComplete(coverage) && coverage.withoutId === 0;
}

/**
 * @param unanswered stored patients that were not seen, and that Cliniko neither returned nor confirmed to be absent when asked
 *   by id
 */
export function completenessProof(coverage: Coverage, unanswered: number): CompletenessProof {
  const reason = unprovenReason(coverage, unanswered);
  return {
    seen: coverage.seen,
    total_at_start: coverage.totalAtStart,
    total_at_end: coverage.totalAtEnd,
    repairs: coverage.repairs,
    proven: reason === undefined,
    ...(reason !== undefined && { reason }),
  };
}

/** @returns a text that says why the coverage is unproven; undefined when it is proven */
function unprovenReason(coverage: Coverage, unanswered: number): string | undefined {
  const { seen, totalAtStart, totalAtEnd, withoutId } = coverage;
  if (totalAtEnd === null && seen === 0) return 'Cliniko returned an empty list, which proves nothing.';
  if (totalAtEnd === null)
    return `Cliniko returned no usable total; its list returned ${formatPatients(seen)}.`;
  if (seen !== totalAtEnd) {
    const again = coverage.repairs > 0 ? ', also when it was read again' : '';
    return `Cliniko's total is ${formatCount(totalAtEnd)}, and its list returned ${formatPatients(seen)}${again}.`;
  }
  if (coverage.isShort) return "Cliniko's list of archived patients returned fewer than its total.";
  if (!isComplete(coverage))
    return `Cliniko's total changed while the list was read: ${totalAtStart === null ? 'none' : formatCount(totalAtStart)} at the start, ${formatCount(totalAtEnd)} at the end.`;
  if (withoutId > 0) return `Records without a usable id: ${formatCount(withoutId)}.`;
  if (unanswered > 0)
    return `Stored patients that Cliniko neither returned when it was asked by id, nor confirmed to be absent: ${formatCount(unanswered)}.`;
  return undefined;
}
