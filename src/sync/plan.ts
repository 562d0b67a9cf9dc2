/** The plan of a run's way: from when on and until when it asks, and whom it looks for at the end. */
import { type Absence, findAbsent, mayVanish } from '../patients/missing.ts';
import { findUnseenQuarantine, type QuarantinedRecord } from '../patients/quarantine.ts';
import { readWatermark } from './read/change-scan.ts';
import { isProven } from './read/completeness.ts';
import type { Itinerary } from './read/crawl-plan.ts';
import type { OpenRun } from './run-context.ts';
import type { IdSet } from './write/seen-ids.ts';

/** Whom a run has counted, and whom it did not meet. */
export interface Attendance {
  /** Grows with every commit. */
  seen: IdSet;
  /** Only a run that has seen the whole clinic may tell who is not in it: undefined in any other run. */
  absence: Absence | undefined;
  /** Records in quarantine that it did not see, and that may be gone from Cliniko. */
  quarantined: readonly QuarantinedRecord[];
  /** Ids that Cliniko neither gave nor denied when it was asked for them. */
  unanswered: Set<string>;
}

export async function planItinerary(run: OpenRun, attendance: Attendance): Promise<Itinerary> {
  const { lease, type, createdAt } = run.claimed;
  const { database, perPage, window } = run.tools;
  const since = type === 'changed_patients' ? await readWatermark(database, lease.organizationId) : undefined;
  // What changed is few, and is asked for again from the beginning: whom this run has seen counts no second time.
  if (since !== undefined) run.state = { ...run.state, page: 1, place: 0, recordsBefore: 0 };
  const absent = async (): Promise<readonly string[]> => {
    if (type !== 'full_patients' || !isProven(run.state.coverage)) return [];
    return await idsToAskFor(run, attendance);
  };
  const onUnanswered = (ids: readonly string[]) => {
    for (const id of ids) attendance.unanswered.add(id);
  };
  return { type, since, createdAt, perPage, window, absent, onUnanswered };
}

async function idsToAskFor({ claimed, tools }: OpenRun, attendance: Attendance): Promise<string[]> {
  const { organizationId } = claimed.lease;
  const { sql } = tools.database;
  const absence = await findAbsent(sql, organizationId, attendance.seen, claimed.createdAt);
  const quarantine = await findUnseenQuarantine(sql, organizationId, attendance.seen, claimed.createdAt);
  attendance.absence = absence;
  // Too many to be true: they will be held, and to ask for each of them would take longer than the run.
  if (absence.absent.length > 0 && !mayVanish(absence)) return [];
  // A list with no patient that we know may be of another clinic: then the quarantine keeps everything.
  if (absence.stored > absence.absent.length || quarantine.hasSeenOthers)
    attendance.quarantined = quarantine.unseen;
  const ids = attendance.quarantined.flatMap((record) => record.clinikoPatientId ?? []);
  return [...new Set([...absence.absent, ...ids])];
}
