/**
 * When a run started, by Cliniko's clock.
 *
 * A page scan asks for patients created until its start: they alone stay where they are while it goes on. The database says
 * when a run was asked for, but where its clock is ahead of Cliniko's that moment has not come there yet. Then patients who are
 * created during the scan would belong to it and make up in the total for others who are deleted: a patient who moved past the
 * reader would not be noticed. So the first answer is asked for the time, and the earlier moment counts.
 */

/** What two clocks that are kept right may differ by, and the distance that the page scan keeps from the start for it. */
const KEPT_RIGHT_MS = 3_000;
const MARGIN_MS = 5_000;

/** How far back the catch-up scan looks for what changed since the run started. */
const CATCH_UP_OVERLAP_MS = 120_000;

/** A clock that is wrong by more than a day is none: it would put most of a clinic into the catch-up scan. */
const NO_CLOCK_MS = 86_400_000;

/**
 * @param createdAt when the run was asked for, by the database's clock
 * @param askedAt when its first request reached Cliniko, by Cliniko's clock; undefined when it did not tell
 */
export function startTimeOf(createdAt: Date, askedAt: Date | undefined): Date {
  if (askedAt === undefined) return createdAt;
  const aheadMs = createdAt.getTime() - askedAt.getTime();
  return aheadMs > KEPT_RIGHT_MS && aheadMs < NO_CLOCK_MS ? askedAt : createdAt;
}

/** Patients created later come with the catch-up scan: they would shift the end of the page scan. */
export function createdUntil(startedAt: Date): string {
  return wholeSecond(startedAt, MARGIN_MS);
}

/** From when on the catch-up scan looks for changes. */
export function catchUpSince(startedAt: Date): string {
  return wholeSecond(startedAt, CATCH_UP_OVERLAP_MS);
}

/** In Cliniko's own form: with a literal Z. */
function wholeSecond(moment: Date, beforeMs: number): string {
  return `${new Date(moment.getTime() - beforeMs).toISOString().slice(0, 19)}Z`;
}
