/**
 * The way of a run: which pages it asks for, in which order, until its clinic is covered.
 *
 * A full or active sync walks numbered pages; if that proves nothing, rounds by ids follow; then a sweep takes what
 * changed meanwhile, and whoever is stored but was not met is asked for by id. A changed sync asks for what changed.
 */
import type { PageOptions, PatientPage, PatientSource } from '../cliniko/source.ts';
import type { OperationType } from '../contract/sync-log.ts';
import { beginningOf, createdUntil, sweepSince } from './beginning.ts';
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
  /** When the run was asked for, by the database's clock. */
  createdAt: Date;
  perPage: number;
  /** Pages asked for side by side. */
  window: number;
  /** Ids of patients who are stored and whom this run has not met, as far as it matters. Asked at the end. */
  absent: () => Promise<readonly string[]>;
}

/** What each part of the way goes by. */
interface Journey {
  source: PatientSource;
  plan: Itinerary;
  /** How far the run is, once all pages that were handed on are stored. */
  settled: () => Promise<RunState>;
  options: PageOptions;
}

/** The pages that are left. */
export async function* remainingStops(journey: Journey): AsyncGenerator<Stop> {
  const { plan, settled } = journey;
  const scope = plan.type === 'active_patients' ? ONLY_ACTIVE : EVERYBODY;
  if (plan.since !== undefined) {
    yield* changes(journey, { ...scope, since: plan.since, perPage: plan.perPage });
    return;
  }
  yield* wholeClinic(journey, scope.filter);
  const state = await settled();
  const began = beginning(state, plan);
  const shifted = mayBeShifted(journey, state, began);
  shifted.catch(() => {}); // Awaited below, unless the sweep fails before.
  yield* closingSweep(journey, { ...scope, since: sweepSince(began), perPage: plan.perPage });
  if (await shifted) yield* round(journey, scope.filter, 1, null, await settled());
  await settled();
  yield* recall(journey, await plan.absent());
}

/** In Cliniko's time, once a page of the run was read. */
function beginning({ began }: RunState, { createdAt }: Itinerary): Date {
  return began === null ? createdAt : new Date(began);
}

async function* changes({ source, plan, options }: Journey, asked: ChangePlan): AsyncGenerator<Stop> {
  let number = 0;
  let began = plan.createdAt;
  for await (const page of walkChanges(source, asked, options)) {
    number += 1;
    if (number === 1) began = beginningOf(plan.createdAt, page.askedAt);
    // Later totals are of what is left. The first one is of what there is to do.
    const total = number === 1 ? page.totalEntries : undefined;
    const pages = Math.max(number, Math.ceil((total ?? 0) / asked.perPage));
    yield { leg: 'walk', began, number, records: page.records, size: asked.perPage, pages, total };
  }
}

async function* wholeClinic(journey: Journey, filter: string): AsyncGenerator<Stop> {
  const { settled } = journey;
  const state = await settled();
  const { leg, round: before, afterId } = state.coverage;
  if (leg === 'sweep') return;
  if (leg === 'walk') yield* walk(journey, filter, state);
  // An earlier attempt was in the middle of this round.
  else yield* round(journey, filter, before, afterId, state);
  for (let number = before + 1; number <= MAX_ROUNDS; number++) {
    const now = await settled();
    // Where Cliniko names no total, no round proves more than the first one.
    const { leg: last, totalAtEnd } = now.coverage;
    if (isComplete(now.coverage) || (last === 'round' && totalAtEnd === null)) return;
    yield* round(journey, filter, number, null, now);
  }
}

/** Of those who are meant, the ones who were there when the run began. */
const whoWasThere = (filter: string, began: Date) => [filter, `created_at:<=${createdUntil(began)}`];

async function* walk(
  { source, plan, options }: Journey,
  filter: string,
  state: RunState,
): AsyncGenerator<Stop> {
  const { perPage, window } = plan;
  const queryFor = (began: Date) => ({ perPage, filters: whoWasThere(filter, began), sort: STEADY_ORDER });
  let began = beginning(state, plan);
  let first: PatientPage | undefined;
  if (state.began === null && state.page === 1) {
    first = await source.page({ ...queryFor(began), page: 1 }, options);
    const actually = beginningOf(began, first.askedAt);
    // By Cliniko's clock its end is still to come: it is asked for again, with one that has passed.
    if (actually !== began) [began, first] = [actually, undefined];
  }
  const way = { query: queryFor(began), fromPage: state.page, pageSize: state.pageSize, window, first };
  for await (const page of walkPages(source, way, options)) yield { leg: 'walk', began, ...page };
}

async function* round(
  { source, plan, options }: Journey,
  filter: string,
  number: number,
  afterId: string | null,
  state: RunState,
): AsyncGenerator<Stop> {
  const filters = whoWasThere(filter, beginning(state, plan));
  const way = { round: number, afterId, perPage: plan.perPage, filters, met: state.processed };
  for await (const page of walkRound(source, way, options)) yield { leg: 'round', ...page };
}

/** What changed during the walk. Whoever cannot be asked for that has just been walked from end to end: the next sync sees it. */
async function* closingSweep({ source, options }: Journey, plan: ChangePlan): AsyncGenerator<Stop> {
  try {
    for await (const { records } of walkChanges(source, plan, options)) yield { leg: 'sweep', records };
  } catch (error) {
    if (!(error instanceof UnkeptFilterError)) throw error;
  }
}

/**
 * Whether somebody may have been read by nobody, although the total stayed. Who is archived leaves a walk of the active
 * ones and moves those behind him up; another one who comes back makes up for him in the total. Of the two only the
 * archived one shows for certain: it is not known that coming back moves `updated_at`.
 */
async function mayBeShifted({ source, plan, options }: Journey, { coverage }: RunState, began: Date) {
  if (plan.type !== 'active_patients' || coverage.round > 0) return false;
  const filters = [`archived_at:>=${createdUntil(began)}`];
  const page = await source.page({ page: 1, perPage: 1, filters, sort: 'archived_at:asc,id:asc' }, options);
  return page.records.length > 0;
}

/** The last question before anybody is thought missing: Cliniko is asked for exactly them. */
async function* recall({ source, options }: Journey, absent: readonly string[]): AsyncGenerator<Stop> {
  for (let from = 0; from < absent.length; from += IDS_AT_ONCE) {
    const ids = absent.slice(from, from + IDS_AT_ONCE);
    yield { leg: 'sweep', records: await fetchByIds(source, ids, options) };
  }
}
