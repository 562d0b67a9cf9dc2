/**
 * Whether a run has seen its whole clinic: arithmetic on what the pages said.
 *
 * Numbered pages prove it when their total never changed and is the number of patients seen. A hard delete meanwhile
 * shifts everybody behind it by one place, past the reader; then rounds in the order of ids follow (round.ts), which nothing
 * can shift, until one of them meets a clinic that holds still. What nobody has proven is said to be unproven.
 *
 * Not here: what becomes of patients who were not seen (patients/missing.ts).
 */
import { z } from 'zod';
import type { CompletenessProof } from '../../contract/sync-log.ts';

const count = z.int().min(0);

export const Coverage = z.object({
  /** Where the run is: on numbered pages, on a round by ids, or on what changed meanwhile. */
  leg: z.enum(['walk', 'round', 'sweep']),
  /** Rounds by ids that have begun. */
  round: count,
  /** The last id that the round has read; null at its beginning. */
  afterId: z.string().nullable(),
  /** Whether the round asks without a bound on `created_at`. */
  unbounded: z.boolean().default(false),
  /** Patients that the walk, or the latest round, has seen. Each once. */
  seen: count,
  totalAtStart: count.nullable(),
  totalAtEnd: count.nullable(),
  /** Whether the total stayed the same. */
  steady: z.boolean(),
  /** Pages that rounds have read. */
  repairs: count,
  /** Records without a usable id: somebody was seen, and nobody knows who. */
  nameless: count,
});
export type Coverage = z.infer<typeof Coverage>;

export const NOTHING_COVERED: Coverage = {
  leg: 'walk',
  round: 0,
  afterId: null,
  unbounded: false,
  seen: 0,
  totalAtStart: null,
  totalAtEnd: null,
  steady: true,
  repairs: 0,
  nameless: 0,
};

/** @param total of all pages, as the newest one names it; null when it does not */
function sawTotal(coverage: Coverage, total: number | null): Coverage {
  const { totalAtStart, totalAtEnd, steady } = coverage;
  return {
    ...coverage,
    totalAtStart: totalAtStart ?? total,
    totalAtEnd: total ?? totalAtEnd,
    steady: steady && (total === null || totalAtStart === null || totalAtStart === total),
  };
}

/** @param isKept whether a condition of the walk was kept: otherwise its total means something else, and proves nothing */
export function sawWalkPage(coverage: Coverage, total: number | null, isKept: boolean): Coverage {
  const counted = sawTotal(coverage, total);
  return { ...counted, steady: counted.steady && isKept };
}

export function beganRound(
  coverage: Coverage,
  { round, unbounded }: { round: number; unbounded: boolean },
): Coverage {
  if (coverage.leg === 'round' && coverage.round === round) return coverage;
  const { repairs, nameless } = coverage;
  return { ...NOTHING_COVERED, leg: 'round', round, unbounded, repairs, nameless };
}

/** @param page `left`: how many there were from this page on, itself included; null when Cliniko did not say */
export function finishedRoundPage(
  coverage: Coverage,
  page: { records: number; afterId: string | null; left: number | null },
): Coverage {
  const totalNow = page.left === null ? null : coverage.seen + page.left;
  return {
    ...sawTotal(coverage, totalNow),
    steady: coverage.steady && totalNow !== null && totalNow === (coverage.totalAtStart ?? totalNow),
    afterId: page.afterId,
    seen: coverage.seen + page.records,
    repairs: coverage.repairs + 1,
  };
}

/** Everybody was met; to read on would find nobody new. Without a total from Cliniko nobody knows. */
export function isComplete({ steady, seen, totalAtEnd }: Coverage): boolean {
  return steady && seen === totalAtEnd;
}

/** Complete, and it is known who everybody is. */
export function isProven(coverage: Coverage): boolean {
  return isComplete(coverage) && coverage.nameless === 0;
}

/** @param unanswered stored patients who were not seen, and whom Cliniko neither gave nor denied when asked for them by id */
export function completenessProof(coverage: Coverage, unanswered: number): CompletenessProof {
  const reason = doubtOf(coverage, unanswered);
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
function doubtOf(coverage: Coverage, unanswered: number): string | undefined {
  const { seen, totalAtStart, totalAtEnd, nameless } = coverage;
  if (totalAtEnd === null) return `Cliniko named no usable total; ${seen} patients were read.`;
  if (seen !== totalAtEnd)
    return `Cliniko's total says ${totalAtEnd}, and its list gave ${seen} patients, also when it was read again.`;
  if (!isComplete(coverage))
    return `Cliniko's total did not stay the same while the list was read: ${totalAtStart} at first, ${totalAtEnd} at last.`;
  if (nameless > 0) return `${nameless} records have no usable id.`;
  if (unanswered > 0)
    return `Cliniko neither gave nor denied ${unanswered} stored patients when it was asked for them by id.`;
  return undefined;
}
