/**
 * Pages that do not match their query, one kind for each switch in `behaviour`; without a switch, the page is
 * unchanged.
 *
 * Not here: answers that are no pages at all (faults.ts).
 */
import type { Behaviour } from './behaviour.ts';
import type { PatientQuery } from './query.ts';
import type { Selection } from './selection.ts';

/** The query as this Cliniko applies it. */
export function applyIgnoredParameters(query: PatientQuery, behaviour: Behaviour): PatientQuery {
  const { recordsPerPage, recordsOnFirstPage, pageParameter, ignoredFilters } = behaviour;
  const perPage = Math.min(query.perPage, recordsPerPage);
  const first = Math.min(perPage, recordsOnFirstPage);
  const page = pageParameter === 'ignored' ? 1 : query.page;
  return {
    ...query,
    page,
    perPage: page === 1 ? first : perPage,
    missingOnFirstPage: perPage - first,
    conditions: query.conditions.filter(({ field }) => !ignoredFilters.includes(field)),
  };
}

export function withOldest({ positions, total }: Selection, behaviour: Behaviour): Selection {
  const isAdded = behaviour.oldestOnEachPage && positions.length > 0 && !positions.includes(0);
  return { positions: isAdded ? [0, ...positions] : positions, total };
}

/** @param answers number of earlier answers */
export function reportedTotal(total: number, behaviour: Behaviour, answers: number): unknown {
  switch (behaviour.total) {
    case 'right':
      return total;
    case 'one-too-high':
      return total + 1;
    case 'one-too-low':
      return Math.max(0, total - 1);
    case 'growing':
      return total + answers;
    case 'zero':
      return 0;
    case 'negative':
      return -1;
    case 'missing':
      return undefined;
    case 'words':
      return 'many';
    case 'numeral':
      return `${total}`;
    default:
      return behaviour.total satisfies never;
  }
}

export function hasNextLink(
  { page, perPage, missingOnFirstPage = 0 }: PatientQuery,
  total: number,
  reportedTotal: unknown,
  behaviour: Behaviour,
): boolean {
  const until = page === 1 ? perPage : page * perPage - missingOnFirstPage;
  switch (behaviour.nextLink) {
    case 'right':
      return until < total;
    case 'by-total':
      return until < Number(reportedTotal);
    case 'never':
      return false;
    case 'always':
      return true;
    default:
      return behaviour.nextLink satisfies never;
  }
}
