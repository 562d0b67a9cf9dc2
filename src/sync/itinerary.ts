/** Which pages a run reads: all of the clinic, its active patients, or what changed. */
import type { PageOptions, PatientSource } from '../cliniko/source.ts';
import type { OperationType } from '../contract/sync-log.ts';
import { walkChanges } from './changes.ts';
import type { RunState } from './run-state.ts';
import { type WalkedPage, walkPages } from './walk.ts';

const FILTERS: Record<OperationType, readonly string[]> = {
  // Without this Cliniko hides archived patients.
  full_patients: ['archived_at:*'],
  active_patients: ['archived_at:!?'],
  // A changed run that has nothing to go by reads everything.
  changed_patients: ['archived_at:*'],
};

/** The order in which edits and new patients do not move the others. */
const STEADY_ORDER = 'created_at:asc,id:asc';

export interface Itinerary {
  type: OperationType;
  /** From when on changes are asked for; undefined: everything is. */
  since: string | undefined;
  perPage: number;
  /** Pages asked for side by side. */
  window: number;
}

/** The pages that are left, from the state's place on. */
export function remainingPages(
  source: PatientSource,
  { type, since, perPage, window }: Itinerary,
  state: RunState,
  options: PageOptions,
): AsyncGenerator<WalkedPage> {
  if (since !== undefined) return walkChanges(source, { since, perPage }, options);
  const query = { perPage, filters: FILTERS[type], sort: STEADY_ORDER };
  return walkPages(source, { query, fromPage: state.page, pageSize: state.pageSize, window }, options);
}
