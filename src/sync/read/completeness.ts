/**
 * Whether a run has seen its whole clinic: arithmetic on what the pages said.
 *
 * Numbered pages prove it when their total never changed and is the number of patients seen. A hard delete during the scan
 * shifts every patient behind it by one place, past the reader; then scans by id follow (keyset-scan.ts), which nothing can
 * shift, until one of them meets a clinic that does not change. What is not proven is said to be unproven.
 *
 * Not here: what happens to patients who were not seen (patients/missing-patients.ts).
 */
import { z } from 'zod';
import type { CompletenessProof } from '#contract/sync-log.ts';

const count = z.int().min(0);

/** Phases of a crawl, and from each the legal next ones with the reason. */
export const CRAWL_TRANSITIONS = {
  'page-scan': {
    'keyset-scan': 'the numbered pages did not prove that they are all',
    'catch-up': 'the whole clinic was read',
  },
  'keyset-scan': {
    'keyset-scan': 'the clinic changed under this scan too',
    'catch-up': 'the whole clinic was read, or another scan would prove no more',
  },
  'catch-up': {
    'keyset-scan': 'an active patient was archived during the page scan, which moves the pages behind it',
  },
} as const;
export type CrawlPhase = keyof typeof CRAWL_TRANSITIONS;

export const Coverage = z.object({
  phase: z.enum(Object.keys(CRAWL_TRANSITIONS) as CrawlPhase[]),
  /** Keyset scans that have begun. */
  keysetScans: count,
  /** The last id that the keyset scan has read; null at its beginning. */
  afterId: z.string().nullable(),
  /** Whether the keyset scan asks without a bound on `created_at`. */
  unbounded: z.boolean(),
  /** Patients that the page scan, or the latest keyset scan, has seen. Each once. */
  seen: count,
  totalAtStart: count.nullable(),
  totalAtEnd: count.nullable(),
  totalUnchanged: z.boolean(),
  /** Pages that keyset scans have read. */
  repairs: count,
  /** Records without a usable id: patients were seen, and it is not known which. */
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
  repairs: 0,
  withoutId: 0,
};

/** @param total of all pages, as the newest one names it; null when it does not */
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
 * @param isFiltered whether the condition on `created_at` was kept: otherwise the total means something else, and proves
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

/** @param page `left`: how many there were from this page on, itself included; null when Cliniko did not say */
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

/** Every patient was seen; to read on would find no other. Without a total from Cliniko it is not known. */
export function isComplete({ totalUnchanged, seen, totalAtEnd }: Coverage): boolean {
  return totalUnchanged && seen === totalAtEnd;
}

/** Complete, and it is known who each of them is. */
export function isProven(coverage: Coverage): boolean {
  return isComplete(coverage) && coverage.withoutId === 0;
}

/** @param unanswered stored patients who were not seen, and whom Cliniko neither gave nor denied when asked for them by id */
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

/** @returns why nothing is proven, for people; undefined when it is */
function unprovenReason(coverage: Coverage, unanswered: number): string | undefined {
  const { seen, totalAtStart, totalAtEnd, withoutId } = coverage;
  if (totalAtEnd === null) return `Cliniko named no usable total; ${seen} patients were read.`;
  if (seen !== totalAtEnd) {
    const again = coverage.repairs > 0 ? ', also when it was read again' : '';
    return `Cliniko's total says ${totalAtEnd}, and its list gave ${seen} patients${again}.`;
  }
  if (!isComplete(coverage))
    return `Cliniko's total changed while the list was read: ${totalAtStart} at first, ${totalAtEnd} at last.`;
  if (withoutId > 0) return `${withoutId} records have no usable id.`;
  if (unanswered > 0)
    return `Cliniko neither gave nor denied ${unanswered} stored patients when it was asked for them by id.`;
  return undefined;
}
