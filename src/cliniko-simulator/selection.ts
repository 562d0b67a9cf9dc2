/**
 * Finds the patients that match a query.
 *
 * Conditions on `id` and `created_at` select a range of positions, those on `archived_at` mostly select a view, and
 * then arithmetic finds a page at any depth. Any other condition or order checks patients one by one: the whole range,
 * or only the few candidates (named ids; those changed since the start, when no others changed that late). The matches
 * are cached for the next page of the same scan.
 */
import type { Behaviour } from './behaviour.ts';
import {
  type Candidate,
  type Comparable,
  ownValue,
  type Predicate,
  predicateFor,
  secondsOf,
} from './filter.ts';
import { keepNewest } from './keep-newest.ts';
import type { Population } from './population.ts';
import type { Condition, PatientQuery, SortColumn } from './query.ts';
import { firstWhere } from './sorted-positions.ts';
import type { View } from './visibility-counts.ts';

export interface Selection {
  positions: readonly number[];
  /** All matches, on all pages. */
  total: number;
}

export type Select = (query: PatientQuery) => Selection;

/** The candidates: a range of positions in a view, minus those that a predicate excludes. */
interface Search {
  from: number;
  to: number;
  view: View;
  predicates: readonly Predicate[];
  /** Set when no other patient can match. */
  only?: readonly number[];
}

/** The number of cached scans, and the maximum of matches of each: 16 MB in all. */
const REMEMBERED_SCANS = 4;
const REMEMBERED_MATCHES = 1_000_000;

export function createSelect(population: Population, behaviour: Behaviour): Select {
  const remembered = keepNewest<Uint32Array>(REMEMBERED_SCANS);

  function findAll(query: PatientQuery, search: Search): Uint32Array {
    const key = JSON.stringify([population.version(), query.conditions, query.sort, behaviour]);
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const found = Uint32Array.from(
      sorted(matches(population, search), withTies(query.sort, behaviour), population),
    );
    if (found.length <= REMEMBERED_MATCHES) remembered.set(key, found);
    return found;
  }

  return (query) => {
    const search = searchFor(query.conditions, population, behaviour);
    const skipped = Math.max(0, (query.page - 1) * query.perPage - (query.missingOnFirstPage ?? 0));
    const direction = arrivalOrder(withTies(query.sort, behaviour));
    if (direction !== undefined && search.predicates.length === 0) {
      return stretch(population, search, direction, skipped, query.perPage);
    }
    const found = findAll(query, search);
    return { positions: [...found.subarray(skipped, skipped + query.perPage)], total: found.length };
  };
}

function stretch(
  population: Population,
  { from, to, view }: Search,
  direction: SortColumn['direction'],
  skipped: number,
  perPage: number,
): Selection {
  const before = population.countBefore(view, from);
  const total = population.countBefore(view, to) - before;
  const wanted = Math.max(0, Math.min(perPage, total - skipped));
  if (wanted === 0) return { positions: [], total };
  const lowestRank = direction === 'asc' ? skipped : total - skipped - wanted;
  const positions: number[] = [];
  for (
    let at = population.positionAt(view, before + lowestRank);
    positions.length < wanted && at < to;
    at++
  ) {
    if (isInView(population, view, at)) positions.push(at);
  }
  return { positions: direction === 'asc' ? positions : positions.reverse(), total };
}

function isInView(population: Population, view: View, position: number): boolean {
  const visibility = population.visibility(position);
  return visibility !== undefined && (view === 'all' || view === visibility);
}

function withTies(sort: readonly SortColumn[], behaviour: Behaviour): readonly SortColumn[] {
  return [...sort, { field: 'id', direction: behaviour.tieOrder }];
}

/** Whether an order is that of arrival, or its reverse. Ids follow arrival, so fields after `id` have no effect. */
function arrivalOrder(sort: readonly SortColumn[]): SortColumn['direction'] | undefined {
  const deciding = sort.slice(0, sort.findIndex((column) => column.field === 'id') + 1);
  const [first] = deciding;
  const isArrival = deciding.every(
    ({ field, direction }) => (field === 'id' || field === 'created_at') && direction === first?.direction,
  );
  return isArrival ? first?.direction : undefined;
}

function searchFor(conditions: readonly Condition[], population: Population, behaviour: Behaviour): Search {
  const search: Search = { from: 0, to: population.size(), view: 'all', predicates: [] };
  const { view, rest } = chooseView(conditions, behaviour);
  const others = rest.filter((condition) => !narrow(search, condition, population));
  const few = others
    .map((condition) => fewCandidates(condition, population))
    .find((only) => only !== undefined);
  return {
    ...search,
    view,
    predicates: others.map((condition) => predicateFor(condition, behaviour)),
    ...(few === undefined ? {} : { only: few }),
  };
}

/** Archived patients are hidden unless a condition names `archived_at`. */
function chooseView(
  conditions: readonly Condition[],
  behaviour: Behaviour,
): { view: View; rest: Condition[] } {
  const rest = conditions.filter(({ field, operator }) => field !== 'archived_at' || operator.match(/[<>]/));
  const spoken = conditions.filter(({ field }) => field === 'archived_at').map(({ operator }) => operator);
  if (spoken.includes('?') && spoken.includes('!?')) return { view: 'all', rest: [...conditions] };
  if (spoken.includes('?')) return { view: 'archived', rest };
  if (spoken.includes('!?')) return { view: 'active', rest };
  const hides = spoken.length === 0 && (conditions.length === 0 || behaviour.filteredListHidesArchived);
  return { view: hides ? 'active' : 'all', rest };
}

/** Narrows the range by a condition on the order of arrival. @returns false for other conditions */
function narrow(search: Search, { field, operator, value }: Condition, population: Population): boolean {
  if (field !== 'id' && field !== 'created_at') return false;
  if (field === 'created_at' && population.isRedated()) return false;
  const asked = field === 'id' ? BigInt(value.split(',')[0] ?? 0) : secondsOf(value);
  const own = field === 'id' ? population.idAt : population.createdAt;
  const reached = () => firstWhere(population.size(), (position) => own(position) >= asked);
  const passed = () => firstWhere(population.size(), (position) => own(position) > asked);
  if (operator === '>=') search.from = Math.max(search.from, reached());
  else if (operator === '>') search.from = Math.max(search.from, passed());
  else if (operator === '<') search.to = Math.min(search.to, reached());
  else if (operator === '<=') search.to = Math.min(search.to, passed());
  else return false;
  search.to = Math.max(search.from, search.to);
  return true;
}

function fewCandidates({ field, operator, value }: Condition, population: Population): number[] | undefined {
  if (field === 'id' && operator === '=') {
    const positions = value.split(',').map((id) => population.positionFrom(BigInt(id)));
    return [...new Set(positions)].filter((position) => position < population.size()).sort((a, b) => a - b);
  }
  const isLowerBound = operator === '>' || operator === '>=';
  if ((field === 'updated_at' || field === 'archived_at') && isLowerBound) {
    return secondsOf(value) > population.drawnUntil ? population.touched() : undefined;
  }
  return undefined;
}

function* matches(population: Population, search: Search): Generator<number> {
  for (const position of search.only ?? positionsBetween(search.from, search.to)) {
    if (position < search.from || position >= search.to) continue;
    if (!isInView(population, search.view, position)) continue;
    const candidate = candidateAt(population, position);
    if (search.predicates.every((accepts) => accepts(candidate))) yield position;
  }
}

function* positionsBetween(from: number, to: number): Generator<number> {
  for (let position = from; position < to; position++) yield position;
}

function candidateAt(population: Population, position: number): Candidate {
  let drawn: ReturnType<Population['recordAt']> | undefined;
  const record = () => {
    drawn ??= population.recordAt(position);
    return drawn;
  };
  return { position, facts: population.factsAt(position), record };
}

function sorted(found: Iterable<number>, sort: readonly SortColumn[], population: Population): number[] {
  if (arrivalOrder(sort) === 'asc') return [...found];
  const keyed = Array.from(found, (position) => {
    const candidate = candidateAt(population, position);
    // Ids follow arrival, and positions compare faster.
    return {
      position,
      keys: sort.map(({ field }) => (field === 'id' ? position : ownValue(field, candidate))),
    };
  });
  keyed.sort((a, b) => {
    for (const [column, { direction }] of sort.entries()) {
      const order = compareNullsLast(a.keys[column] ?? null, b.keys[column] ?? null);
      if (order !== 0) return direction === 'asc' ? order : -order;
    }
    return 0;
  });
  return keyed.map(({ position }) => position);
}

function compareNullsLast(a: Comparable | null, b: Comparable | null): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b ? -1 : 1;
}
