/** The rows that the console lists, their order, and the address that names both. Pure. */
import type { OverviewState } from '#contract/overview.ts';
import { type ConsoleRow, searchTextOf } from './rows.ts';

/** By urgency; also the filters of the console. */
export const STATES = [
  'failed',
  'overdue',
  'held',
  'with_errors',
  'running',
  'queued',
  'paused',
  'never',
  'ok',
] as const satisfies readonly OverviewState[];

/** `state` sorts by urgency. */
const SORTS = ['state', 'name', 'progress', 'success', 'next', 'trouble'] as const;
export type Sort = (typeof SORTS)[number];

export interface Listing {
  text: string;
  state: OverviewState | null;
  /** Of failures; `none`: without a recorded cause. */
  cause: string | null;
  sort: Sort;
}

const PLAIN: Listing = { text: '', state: null, cause: null, sort: 'state' };

export function listingOf(search: string): Listing {
  const query = new URLSearchParams(search);
  return {
    text: query.get('q') ?? PLAIN.text,
    state: STATES.find((state) => state === query.get('state')) ?? PLAIN.state,
    cause: query.get('cause'),
    sort: SORTS.find((sort) => sort === query.get('sort')) ?? PLAIN.sort,
  };
}

/** @param search of the present address; its other parameters stay */
export function searchOf(search: string, { text, state, cause, sort }: Listing): string {
  const query = new URLSearchParams(search);
  const set = (name: string, value: string | null): void => {
    if (value === null || value === '') query.delete(name);
    else query.set(name, value);
  };
  set('q', text);
  set('state', state);
  set('cause', cause);
  set('sort', sort === PLAIN.sort ? null : sort);
  const next = query.toString();
  return next === '' ? '' : `?${next}`;
}

/** Most urgent first, within each the newest run first, so that a run keeps its position. */
export function inOrder(rows: readonly ConsoleRow[]): ConsoleRow[] {
  return [...rows].sort(byUrgency);
}

/** @param rows in order of urgency, which also decides between equals */
export function sorted(rows: readonly ConsoleRow[], sort: Sort): readonly ConsoleRow[] {
  switch (sort) {
    case 'state':
      return rows;
    case 'name':
      return [...rows].sort((one, other) => NAMES.compare(one.title, other.title));
    case 'progress':
      return [...rows].sort((one, other) => shareOf(one) - shareOf(other));
    case 'success':
      return [...rows].sort((one, other) => compareTimes(one.lastSuccessAt ?? '', other.lastSuccessAt ?? ''));
    case 'next':
      return [...rows].sort((one, other) => compareTimes(one.nextRunAt ?? '~', other.nextRunAt ?? '~'));
    case 'trouble':
      return [...rows].sort((one, other) => other.errors + other.held - one.errors - one.held);
    default:
      return sort satisfies never;
  }
}

export function narrowed(rows: readonly ConsoleRow[], listing: Listing): ConsoleRow[] {
  const { text, state, cause } = listing;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (state !== null && row.state !== state) return false;
    if (cause !== null && (!row.hasFailed || (row.cause ?? 'none') !== cause)) return false;
    if (words.length === 0) return true;
    const shown = searchTextOf(row);
    return words.every((word) => shown.includes(word));
  });
}

export function countByState(rows: readonly ConsoleRow[]): Record<OverviewState, number> {
  const counts = {
    failed: 0,
    overdue: 0,
    held: 0,
    with_errors: 0,
    running: 0,
    queued: 0,
    paused: 0,
    never: 0,
    ok: 0,
  };
  for (const { state } of rows) counts[state] += 1;
  return counts;
}

const NAMES = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** ISO 8601 in UTC sorts as text. */
const compareTimes = (one: string, other: string) => (one === other ? 0 : one < other ? -1 : 1);

function byUrgency(one: ConsoleRow, other: ConsoleRow): number {
  const byState = STATES.indexOf(one.state) - STATES.indexOf(other.state);
  if (byState !== 0) return byState;
  const byStart = compareTimes(other.log?.started_at ?? '', one.log?.started_at ?? '');
  return byStart === 0 ? one.id - other.id : byStart;
}

/** The run with the most left to do comes first; organizations without an active run come last. */
const shareOf = (row: ConsoleRow) => (row.log?.status === 'running' ? row.percent : 101);
