/**
 * When a run started, by Cliniko's clock.
 *
 * A page scan requests only patients created before its start, because new patients would change the list. The database says
 * when a run was requested, but if its clock is ahead of Cliniko's, that time is still in the future there. Then patients
 * created during the scan would belong to the list and compensate in the total for deleted ones, so a patient that moved to a
 * page already read would not be noticed. So the time of the first response is read, and the earlier time counts.
 */

/** How much two synchronized clocks may differ, and the margin before the start that the page scan leaves for it. */
const KEPT_RIGHT_MS = 3_000;
const MARGIN_MS = 5_000;

/** How far before the start of the run the catch-up scan looks for changes. */
const CATCH_UP_OVERLAP_MS = 120_000;

/** A clock that is wrong by more than a day is ignored: it would put most of a clinic into the catch-up scan. */
const NO_CLOCK_MS = 86_400_000;

/**
 * @param createdAt when the run was requested, by the database's clock
 * @param askedAt when its first request reached Cliniko, by Cliniko's clock; undefined when the response had no time
 */
export function startTimeOf(createdAt: Date, askedAt: Date | undefined): Date {
  if (askedAt === undefined) return createdAt;
  const aheadMs = createdAt.getTime() - askedAt.getTime();
  return aheadMs > KEPT_RIGHT_MS && aheadMs < NO_CLOCK_MS ? askedAt : createdAt;
}

/** The catch-up scan reads patients created later: they would shift the end of the page scan. */
export function createdUntil(startedAt: Date): string {
  return wholeSecond(startedAt, MARGIN_MS);
}

/** The filter of the patients that existed when the run started. */
export interface CreatedBound {
  filter: string;
  /** Its time: ISO 8601 UTC, whole seconds. */
  until: string;
}

export function createdBound(startedAt: Date): CreatedBound {
  const until = createdUntil(startedAt);
  return { filter: `created_at:<=${until}`, until };
}

/** @param until ISO 8601 UTC, whole seconds */
export function isCreatedBy(createdAt: string, until: string): boolean {
  return `${createdAt.slice(0, 19)}Z` <= until;
}

/** The catch-up scan reads changes since this time. */
export function catchUpSince(startedAt: Date): string {
  return wholeSecond(startedAt, CATCH_UP_OVERLAP_MS);
}

/** In Cliniko's format: with a literal Z. */
function wholeSecond(moment: Date, beforeMs: number): string {
  return `${new Date(moment.getTime() - beforeMs).toISOString().slice(0, 19)}Z`;
}
