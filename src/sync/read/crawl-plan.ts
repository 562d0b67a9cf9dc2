/**
 * The way of a run: which pages it asks for, in which order, until its clinic is covered.
 *
 * A full or active sync walks numbered pages; if that proves nothing, rounds by ids follow; then a sweep takes what
 * changed meanwhile, and whoever is stored but was not met is asked for by id. A changed sync asks for what changed.
 */

import { fetchByIds, IDS_AT_ONCE, WITH_ARCHIVED } from '../../cliniko/fetch-by-ids.ts';
import type { PageOptions, PatientPage, PatientSource } from '../../cliniko/source.ts';
import { readTime } from '../../cliniko/wire.ts';
import type { OperationType } from '../../contract/sync-log.ts';
import type { RunState } from '../run-state.ts';
import { type ChangePlan, type ChangeScope, UnkeptFilterError, walkChanges } from './change-scan.ts';
import { type Coverage, isComplete } from './completeness.ts';
import type { Stop } from './fetched-page.ts';
import { walkRound } from './keyset-scan.ts';
import type { ListEnding } from './list-end.ts';
import { walkPages } from './page-scan.ts';
import { RepeatedPageError, repeatedPage } from './repeated-page-guard.ts';
import { beginningOf, createdUntil, sweepSince } from './start-time.ts';

/** Whom a sync is about. It is not certain that archiving moves `updated_at`, so archivals are asked for as well. */
const EVERYBODY: ChangeScope = { filter: WITH_ARCHIVED, fields: ['updated_at', 'archived_at'] };
const ONLY_ACTIVE: ChangeScope = { filter: 'archived_at:!?', fields: ['updated_at'] };

/** The order in which edits and new patients do not move the others. */
const STEADY_ORDER = 'created_at:asc,id:asc';

/** Rounds by ids, and as many again without a bound on `created_at`. */
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
  /** Called with those of them whom Cliniko neither gave nor denied. */
  onUnanswered: (ids: readonly string[]) => void;
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
    const read = yield* changes(journey, { ...scope, since: plan.since, perPage: plan.perPage });
    if (read) return;
  }
  const mayHaveOthers = yield* wholeClinic(journey, scope.filter);
  const state = await settled();
  const began = beginning(state, plan);
  const shifted = mayBeShifted(journey, state, began);
  shifted.catch(() => {}); // Awaited below, unless the sweep fails before.
  if (mayHaveOthers) yield* createdLater(journey, scope.filter, began);
  yield* closingSweep(journey, { ...scope, since: sweepSince(began), perPage: plan.perPage });
  if (await shifted) {
    const again = { number: 1, afterId: null, unbounded: false, walked: undefined };
    yield* round(journey, { filter: scope.filter, ...again });
  }
  await settled();
  yield* recall(journey, await plan.absent());
}

/** In Cliniko's time, once a page of the run was read. */
function beginning({ began }: RunState, { createdAt }: Itinerary): Date {
  return began === null ? createdAt : new Date(began);
}

/** @returns false when Cliniko does not keep the condition on `updated_at`: then everything has to be read */
async function* changes(journey: Journey, asked: ChangePlan): AsyncGenerator<Stop, boolean> {
  let hasBegun = false;
  try {
    for await (const stop of changedPages(journey, asked)) {
      hasBegun = true;
      yield stop;
    }
    return true;
  } catch (error) {
    if (error instanceof UnkeptFilterError && !hasBegun) return false;
    throw error;
  }
}

async function* changedPages({ source, plan, options }: Journey, asked: ChangePlan): AsyncGenerator<Stop> {
  let number = 0;
  let began = plan.createdAt;
  for await (const page of walkChanges(source, asked, options)) {
    number += 1;
    if (number === 1) began = beginningOf(plan.createdAt, page.askedAt);
    // Later totals are of what is left. The first one is of what there is to do.
    const total = number === 1 ? page.totalEntries : undefined;
    const pages = Math.max(number, Math.ceil((total ?? 0) / asked.perPage));
    yield {
      leg: 'walk',
      began,
      isKept: true,
      number,
      records: page.records,
      size: asked.perPage,
      pages,
      total,
    };
  }
}

/** @returns whether there may be patients behind the end of what was read, such as new ones */
async function* wholeClinic(journey: Journey, filter: string): AsyncGenerator<Stop, boolean> {
  const { settled } = journey;
  const state = await settled();
  const { leg, round: before, afterId, unbounded: isUnbounded } = state.coverage;
  if (leg === 'sweep') return true;
  let walked: ListEnding | undefined;
  if (leg === 'walk') walked = yield* walk(journey, filter, state);
  // An earlier attempt was in the middle of this round.
  else yield* round(journey, { filter, number: before, afterId, unbounded: isUnbounded, walked });
  let latest: Coverage | undefined;
  let unbounded = isUnbounded;
  for (;;) {
    const { coverage } = await settled();
    if (!isWorthARound(coverage, latest, unbounded)) {
      if (unbounded) return false;
      const others = await findOthers(journey, filter, coverage);
      if (others !== 'undated') return others === 'new';
      unbounded = true;
    }
    latest = coverage;
    // Without a total no more is proven by a bound, and patients without `created_at` would be left out.
    unbounded ||= coverage.totalAtEnd === null;
    yield* round(journey, { filter, number: coverage.round + 1, afterId: null, unbounded, walked });
  }
}

/** @param before what the scan before the newest one said; the same again will not change with another round */
function isWorthARound(coverage: Coverage, before: Coverage | undefined, unbounded: boolean): boolean {
  const { leg, round: number, seen, totalAtEnd } = coverage;
  if (isComplete(coverage) || number >= MAX_ROUNDS * (unbounded ? 2 : 1)) return false;
  // Where Cliniko names no total, no round proves more than the first one.
  if (leg === 'round' && totalAtEnd === null) return false;
  return before === undefined || before.seen !== seen || before.totalAtEnd !== totalAtEnd;
}

/**
 * Who is there beside the patients of the list that was read: the list is counted without its condition on `created_at`, and
 * what is new since the beginning is counted apart. `undated`: no condition finds them, since they have no `created_at`.
 */
async function findOthers(
  journey: Journey,
  filter: string,
  coverage: Coverage,
): Promise<'none' | 'new' | 'undated'> {
  const until = createdUntil(beginning(await journey.settled(), journey.plan));
  const all = await countPatients(journey, [filter]);
  if (all === undefined || all === coverage.totalAtEnd) return 'none';
  const [older, newer] = await Promise.all([
    countPatients(journey, [filter, `created_at:<=${until}`]),
    countPatients(journey, [filter, `created_at:>${until}`]),
  ]);
  return all > (older ?? 0) + (newer ?? 0) ? 'undated' : 'new';
}

async function countPatients({ source, options }: Journey, filters: string[]): Promise<number | undefined> {
  const page = await source.page({ page: 1, perPage: 1, filters, sort: 'id:asc' }, options);
  return page.totalEntries;
}

/** Of those who are meant, the ones who were there when the run began. */
const whoWasThere = (filter: string, began: Date) => [filter, `created_at:<=${createdUntil(began)}`];

async function* walk(
  { source, plan, options }: Journey,
  filter: string,
  state: RunState,
): AsyncGenerator<Stop, ListEnding> {
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
  const { page: fromPage, recordsBefore, pageSize } = state;
  const query = queryFor(began);
  const pages = walkPages(source, { query, fromPage, recordsBefore, pageSize, window, first }, options);
  const until = createdUntil(began);
  for (;;) {
    const page = await pages.next();
    if (page.done === true) return page.value;
    const isKept = !page.value.records.some((record) => isCreatedAfter(record, until));
    yield { leg: 'walk', began, isKept, ...page.value };
  }
}

/** Then the condition on `created_at` was not kept: a patient who is new makes up in the total for one who was passed over. */
function isCreatedAfter(record: unknown, until: string): boolean {
  const created = readTime(record, 'created_at');
  return created !== undefined && `${created.slice(0, 19)}Z` > until;
}

interface RoundAsked {
  filter: string;
  number: number;
  afterId: string | null;
  unbounded: boolean;
  /** How the walk ended, where this attempt knows it. */
  walked: ListEnding | undefined;
}

/** More than this share, and more than this number, of a clinic is not lost to a total that is wrong. */
const TOTAL_WRONG_BY = { share: 0.02, patients: 20 };

async function* round(
  { source, plan, options, settled }: Journey,
  { filter, number, afterId, unbounded, walked }: RoundAsked,
): AsyncGenerator<Stop> {
  const state = await settled();
  const filters = unbounded ? [filter] : whoWasThere(filter, beginning(state, plan));
  const asked = { round: number, afterId, perPage: plan.perPage, filters, met: state.processed };
  const pages = walkRound(source, asked, options);
  for (;;) {
    const page = await pages.next();
    if (page.done !== true) yield { leg: 'round', unbounded, ...page.value };
    else if (page.value === 'end') return;
    else break;
  }
  // Neither by numbers nor by ids could the list be read to its end.
  const { found, processed } = await settled();
  const isLacking = found - processed > Math.max(TOTAL_WRONG_BY.patients, found * TOTAL_WRONG_BY.share);
  if (walked !== 'end' || isLacking) throw repeatedPage();
}

/** New patients, and those whose `created_at` lies in the future: it is not certain that the sweep finds them as changed. */
async function* createdLater(
  { source, plan, options }: Journey,
  filter: string,
  began: Date,
): AsyncGenerator<Stop> {
  const filters = [filter, `created_at:>${createdUntil(began)}`];
  const asked = { round: 0, afterId: null, perPage: plan.perPage, filters, met: 0 };
  for await (const { records } of walkRound(source, asked, options)) yield { leg: 'sweep', records };
}

/** What changed during the walk. Whoever cannot be asked for that has just been walked from end to end: the next sync sees it. */
async function* closingSweep({ source, options }: Journey, plan: ChangePlan): AsyncGenerator<Stop> {
  try {
    for await (const { records } of walkChanges(source, plan, options)) yield { leg: 'sweep', records };
  } catch (error) {
    if (!(error instanceof UnkeptFilterError || error instanceof RepeatedPageError)) throw error;
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
async function* recall({ source, plan, options }: Journey, absent: readonly string[]): AsyncGenerator<Stop> {
  for (let from = 0; from < absent.length; from += IDS_AT_ONCE) {
    const ids = absent.slice(from, from + IDS_AT_ONCE);
    const { records, unanswered } = await fetchByIds(source, ids, options);
    plan.onUnanswered(unanswered);
    yield { leg: 'sweep', records };
  }
}
