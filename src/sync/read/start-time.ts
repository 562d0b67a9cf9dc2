/**
 * When a run began, by Cliniko's clock.
 *
 * A walk asks for those who were made until its beginning: they alone stay where they are while it goes on. The database says
 * when a run was asked for, but where its clock is ahead of Cliniko's that moment has not come there yet. Then patients who
 * are made during the walk would belong to it and make up in the total for others who are deleted: nobody would notice
 * that somebody moved past the reader. So the first answer is asked for the time, and the earlier moment counts.
 */

/** What two clocks that are kept right may differ by, and what the walk keeps away from its beginning for it. */
const KEPT_RIGHT_MS = 3_000;
const MARGIN_MS = 5_000;

/** How far back the sweep looks for what changed since the run began. */
const SWEEP_OVERLAP_MS = 120_000;

/** A clock that is wrong by more than a day is none: it would put most of a clinic into the sweep. */
const NO_CLOCK_MS = 86_400_000;

/**
 * @param createdAt when the run was asked for, by the database's clock
 * @param askedAt when its first question reached Cliniko, by Cliniko's clock; undefined when it did not tell
 */
export function beginningOf(createdAt: Date, askedAt: Date | undefined): Date {
  if (askedAt === undefined) return createdAt;
  const aheadMs = createdAt.getTime() - askedAt.getTime();
  return aheadMs > KEPT_RIGHT_MS && aheadMs < NO_CLOCK_MS ? askedAt : createdAt;
}

/** Patients made later come with the sweep: they would shift the end of the walk. */
export function createdUntil(beginning: Date): string {
  return wholeSecond(beginning, MARGIN_MS);
}

/** From when on the sweep looks for changes. */
export function sweepSince(beginning: Date): string {
  return wholeSecond(beginning, SWEEP_OVERLAP_MS);
}

/** In Cliniko's own form: with a literal Z. */
function wholeSecond(moment: Date, beforeMs: number): string {
  return `${new Date(moment.getTime() - beforeMs).toISOString().slice(0, 19)}Z`;
}
