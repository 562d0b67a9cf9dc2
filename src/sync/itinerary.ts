/**
 * The way of a run: which pages it asks for, in which order, until its clinic is covered.
 *
 * A full or active sync walks numbered pages; if that proves nothing, rounds by ids follow; then a sweep takes what
 * changed meanwhile, and whoever is stored but was not met is asked for by id. A changed sync asks for what changed.
 */
import type { PageOptions, PatientSource } from '../cliniko/source.ts';
import type { OperationType } from '../contract/sync-log.ts';
import { type ChangePlan, type ChangeScope, UnkeptFilterError, walkChanges } from './changes.ts';
import { isComplete } from './completeness.ts';
import { fetchByIds, IDS_AT_ONCE, WITH_ARCHIVED } from './fetch-by-ids.ts';
import { walkRound } from './round.ts';
import type { RunState } from './run-state.ts';
import type { Stop } from './stop.ts';
import { walkPages } from './walk.ts';

/** Whom a sync is about. It is not certain that archiving moves `updated_at`, so archivals are asked for as well. */
const EVERYBODY: ChangeScope = { filter: WITH_ARCHIVED, fields: ['updated_at', 'archived_at'] };
const ONLY_ACTIVE: ChangeScope = { filter: 'archived_at:!?', fields: ['updated_at'] };

/** The order in which edits and new patients do not move the others. */
const STEADY_ORDER = 'created_at:asc,id:asc';

const MAX_ROUNDS = 3;

export interface Itinerary {
  type: OperationType;
  /** From when on changes are asked for (changed syncs); undefined: everything is. */
  since: string | undefined;
  /** Patients made later come with the sweep: they would shift the end of the walk. */
  createdUntil: string;
  /** From when on the sweep looks for changes. */
  sweepSince: string;
  perPage: number;
  /** Pages asked for side by side. */
  window: number;
  /** Ids of patients who are stored and whom this run has not met, as far as it matters. Asked at the end. */
  absent: () => Promise<readonly string[]>;
}

/**
 * The pages that are left.
 *
 * @param settled how far the run is, once all pages that were handed on are stored
 */
export async function* remainingStops(
  source: PatientSource,
  plan: Itinerary,
  settled: () => Promise<RunState>,
  options: PageOptions,
): AsyncGenerator<Stop> {
  const { since, perPage } = plan;
  const scope = plan.type === 'active_patients' ? ONLY_ACTIVE : EVERYBODY;
  if (since !== undefined) {
    let number = 0;
    for await (const page of walkChanges(source, { ...scope, since, perPage }, options)) {
      // Later totals are of what is left. The first one is of what there is to do.
      const total = ++number === 1 ? page.totalEntries : undefined;
      const pages = Math.max(number, Math.ceil((total ?? 0) / perPage));
      yield { leg: 'walk', number, records: page.records, size: perPage, pages, total };
    }
    return;
  }
  yield* wholeClinic(source, plan, settled, options, [scope.filter, `created_at:<=${plan.createdUntil}`]);
  const sweep = { ...scope, since: plan.sweepSince, perPage };
  yield* closingSweep(source, sweep, options);
  await settled();
  yield* recall(source, await plan.absent(), options);
}

async function* wholeClinic(
  source: PatientSource,
  { perPage, window }: Itinerary,
  settled: () => Promise<RunState>,
  options: PageOptions,
  filters: readonly string[],
): AsyncGenerator<Stop> {
  const { page: fromPage, pageSize, coverage, processed } = await settled();
  if (coverage.leg === 'sweep') return;
  if (coverage.leg === 'walk') {
    const query = { perPage, filters, sort: STEADY_ORDER };
    for await (const page of walkPages(source, { query, fromPage, pageSize, window }, options)) {
      yield { leg: 'walk', ...page };
    }
  } else {
    // An earlier attempt was in the middle of this round.
    const { round: number, afterId } = coverage;
    yield* round(source, { round: number, afterId, perPage, filters, met: processed }, options);
  }
  for (let number = coverage.round + 1; number <= MAX_ROUNDS; number++) {
    const { coverage: covered, processed: met } = await settled();
    // Where Cliniko names no total, no round proves more than the first one.
    if (isComplete(covered) || (covered.leg === 'round' && covered.totalAtEnd === null)) return;
    yield* round(source, { round: number, afterId: null, perPage, filters, met }, options);
  }
}

async function* round(...args: Parameters<typeof walkRound>): AsyncGenerator<Stop> {
  for await (const page of walkRound(...args)) yield { leg: 'round', ...page };
}

/** What changed during the walk. Whoever cannot be asked for that has just been walked from end to end: the next sync sees it. */
async function* closingSweep(
  source: PatientSource,
  plan: ChangePlan,
  options: PageOptions,
): AsyncGenerator<Stop> {
  try {
    for await (const { records } of walkChanges(source, plan, options)) yield { leg: 'sweep', records };
  } catch (error) {
    if (!(error instanceof UnkeptFilterError)) throw error;
  }
}

/** The last question before anybody is thought missing: Cliniko is asked for exactly them. */
async function* recall(
  source: PatientSource,
  absent: readonly string[],
  options: PageOptions,
): AsyncGenerator<Stop> {
  for (let from = 0; from < absent.length; from += IDS_AT_ONCE) {
    const ids = absent.slice(from, from + IDS_AT_ONCE);
    yield { leg: 'sweep', records: await fetchByIds(source, ids, options) };
  }
}
