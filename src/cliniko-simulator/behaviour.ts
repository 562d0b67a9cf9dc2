/**
 * Switches for what is not known about Cliniko.
 *
 * The documentation does not cover any of this, so a client has to work with either answer. The defaults are safe
 * guesses. The object may be changed while the simulator runs; the next request uses the new values.
 *
 * Not here: temporary failures (faults.ts).
 */
import type { Field } from './fields.ts';

export interface Behaviour {
  /** Whether keys are accepted: a revoked key gets 401, a role without access to patients 403. */
  access: 'allowed' | 'unauthorised' | 'forbidden';
  /** Added to each answer. */
  latencyMs: number;
  /** By up to this much an answer takes longer or shorter than `latencyMs`. */
  latencySpreadMs: number;
  /** Of all keys together, since they belong to one user. 0 or Infinity: no limit. */
  requestsPerMinute: number;
  limitWindow: 'fixed' | 'sliding';
  /** Whether a 429 says `Retry-After` as well. */
  retryAfter: boolean;
  /** Whether answers have a `Date`: by `now` of the simulator, in whole seconds. */
  dateHeader: boolean;
  /** Whether a missing `Accept` or contact in `User-Agent` is rejected (400), or only noted in `requests`. */
  headers: 'lenient' | 'strict';
  pastTheEnd: 'empty' | 'not-found';
  /** More than 100. */
  perPageTooBig: 'clamp' | 'refuse';
  /** `page` or `per_page` that is 0, negative or not a number. */
  paramNonsense: 'default' | 'refuse';
  /** How a record writes an absent value; `mixed` has both, as real answers do. */
  emptyStyle: 'mixed' | null | '';
  unsetAssociations: 'omitted' | null;
  /** `previous` of the first page and `next` of the last. */
  unsetLinks: 'omitted' | null;
  archivedById: 'hidden' | 'shown';
  /** Whether a list with filters, none of them on `archived_at`, hides archived patients as the plain list does. */
  filteredListHidesArchived: boolean;
  /** Whether archive, unarchive and merge count as a change. */
  archivingBumpsUpdatedAt: boolean;
  mergedContact: 'kept' | 'cleared';
  /** The order, by id, of patients that the requested order leaves equal. */
  tieOrder: 'asc' | 'desc';
  textFilters: 'ignore-case' | 'match-case';
  fractionalSeconds: 'refuse' | 'accept';
  /** The maximum of ids in `id:=1,2,3`. */
  idListLimit: number;
  /** Of 403, 404 and 5xx. */
  errorBody: 'html' | 'empty';
  /** The value of `total_entries`. `growing`: one more with each answer. */
  total: 'right' | OddTotal;
  /** When `links.next` is present. `by-total`: as the reported total implies. */
  nextLink: 'right' | 'by-total' | 'never' | 'always';
  /** The maximum of records on a page, whatever `per_page` is. */
  recordsPerPage: number;
  /** The maximum of records on the first page of a list; the second page continues after them. */
  recordsOnFirstPage: number;
  /** `ignored`: each page is the first one. */
  pageParameter: 'kept' | 'ignored';
  /** Fields whose conditions are ignored. */
  ignoredFilters: readonly Field[];
  /** Whether the oldest patient is on every page, even if the filters exclude it. */
  oldestOnEachPage: boolean;
}

type OddTotal =
  | 'one-too-high'
  | 'one-too-low'
  | 'growing'
  | 'zero'
  | 'negative'
  | 'missing'
  | 'words'
  | 'numeral';

export const USUAL_BEHAVIOUR: Behaviour = {
  access: 'allowed',
  latencyMs: 0,
  latencySpreadMs: 0,
  requestsPerMinute: 200,
  limitWindow: 'fixed',
  retryAfter: false,
  dateHeader: true,
  headers: 'lenient',
  pastTheEnd: 'empty',
  perPageTooBig: 'clamp',
  paramNonsense: 'default',
  emptyStyle: 'mixed',
  unsetAssociations: 'omitted',
  unsetLinks: 'omitted',
  archivedById: 'hidden',
  filteredListHidesArchived: true,
  archivingBumpsUpdatedAt: true,
  mergedContact: 'kept',
  tieOrder: 'asc',
  textFilters: 'ignore-case',
  fractionalSeconds: 'refuse',
  idListLimit: 100,
  errorBody: 'html',
  total: 'right',
  nextLink: 'right',
  recordsPerPage: 100,
  recordsOnFirstPage: 100,
  pageParameter: 'kept',
  ignoredFilters: [],
  oldestOnEachPage: false,
};
