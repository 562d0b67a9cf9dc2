/** The plan of a run's way: from when on and until when it asks, and whom it looks for at the end. */
import { type Absence, findAbsent, mayVanish } from '../patients/missing.ts';
import { readWatermark } from './changes.ts';
import { isProven } from './completeness.ts';
import type { IdSet } from './id-set.ts';
import type { Itinerary } from './itinerary.ts';
import type { OpenRun } from './open-run.ts';

/** Whom a run has counted, and whom it did not meet. */
export interface Attendance {
  /** Grows with every commit. */
  seen: IdSet;
  /** Only who has seen the whole clinic may tell who is not in it: undefined in any other run. */
  absence: Absence | undefined;
}

export async function planItinerary(run: OpenRun, attendance: Attendance): Promise<Itinerary> {
  const { lease, type, createdAt } = run.claimed;
  const { database, perPage, window } = run.tools;
  const since = type === 'changed_patients' ? await readWatermark(database, lease.organizationId) : undefined;
  // What changed is few, and is asked for again from the beginning: whom this run has seen counts no second time.
  if (since !== undefined) run.state = { ...run.state, page: 1, place: 0 };
  const absent = async (): Promise<readonly string[]> => {
    if (type !== 'full_patients' || !isProven(run.state.coverage)) return [];
    attendance.absence = await findAbsent(database.sql, lease.organizationId, attendance.seen, createdAt);
    // Too many to be true: they will be held, and to ask for each of them would take longer than the run.
    return mayVanish(attendance.absence) ? attendance.absence.absent : [];
  };
  return { type, since, createdAt, perPage, window, absent };
}
