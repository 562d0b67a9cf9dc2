/**
 * What is not known about Cliniko, as switches.
 *
 * The documentation is silent on all of this, so a client has to live with either answer. The defaults are
 * safe guesses. The object may be changed while the simulator runs; the next request is answered accordingly.
 *
 * Not here: things that go wrong for a while (faults.ts).
 */
import type { Field } from './query.ts';

export interface Behaviour {
  /** Whether keys are let in: 401 and 403 are what a revoked key and a role without patients get. */
  access: 'allowed' | 'unauthorised' | 'forbidden';
  /** Added to each answer. */
  latencyMs: number;
  /** Of all keys together, since they belong to one user. 0 or Infinity: no limit. */
  requestsPerMinute: number;
  limitWindow: 'fixed' | 'sliding';
  /** Whether a 429 says `Retry-After` as well. */
  retryAfter: boolean;
  /** Whether answers say the time (`Date`): by `now` of the simulator, in whole seconds. */
  dateHeader: boolean;
  /** Whether a missing `Accept` or contact in `User-Agent` is refused (400), or only noted in `requests`. */
  headers: 'lenient' | 'strict';
  pastTheEnd: 'empty' | 'not-found';
  /** More than 100. */
  perPageTooBig: 'clamp' | 'refuse';
  /** `page` or `per_page` that is 0, negative or no number. */
  paramNonsense: 'default' | 'refuse';
  /** How absence is written in a record; `mixed` has both, as real answers do. */
  emptyStyle: 'mixed' | null | '';
  unsetAssociations: 'omitted' | null;
  /** `previous` of the first page and `next` of the last. */
  unsetLinks: 'omitted' | null;
  archivedById: 'hidden' | 'shown';
  /** Whether a list with filters, none of them on `archived_at`, hides the archived as the bare list does. */
  filteredListHidesArchived: boolean;
  /** Whether archive, unarchive and merge count as a change. */
  archivingBumpsUpdatedAt: boolean;
  mergedContact: 'kept' | 'cleared';
  /** In which order those come whom the asked order leaves equal, by id. */
  tieOrder: 'asc' | 'desc';
  textFilters: 'ignore-case' | 'match-case';
  fractionalSeconds: 'refuse' | 'accept';
  /** Ids that `id:=1,2,3` may name. */
  idListLimit: number;
  /** Of 403, 404 and 5xx. */
  errorBody: 'html' | 'empty';
  /** What `total_entries` says. `growing`: one more with each answer. */
  total: 'right' | OddTotal;
  /** When `links.next` is there. `by-total`: as the total that is told promises. */
  nextLink: 'right' | 'by-total' | 'never' | 'always';
  /** Records that a page holds at most, whatever was asked for. */
  recordsPerPage: number;
  /** Records that the first page of a list holds at most; the second one goes on behind them. */
  recordsOnFirstPage: number;
  /** `ignored`: each page is the first one. */
  pageParameter: 'kept' | 'ignored';
  /** Fields whose conditions are not kept. */
  ignoredFilters: readonly Field[];
  /** Whether the oldest patient is on each page, asked for or not. */
  oldestOnEachPage: boolean;
}

export type OddTotal =
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
