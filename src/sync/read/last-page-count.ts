/**
 * Counts a clinic with the last page of its list.
 *
 * The list contains the patients created before the run started. Only a total without that bound shows whether there are
 * others, such as new patients or patients without `created_at`. So the last page is requested without the bound. If its total
 * is that of the list, and all its patients are in the list, then it is the last page of the list too, and there are no others.
 */
import type { ClinikoRecord } from '../../cliniko/record.ts';
import type { PatientSource } from '../../cliniko/source.ts';
import { type CreatedBound, isCreatedBy } from './start-time.ts';

export interface CountedSource extends PatientSource {
  /** Whether the last page has shown that the list is the whole clinic. */
  isWholeClinic(): boolean;
}

export interface LastPageCount {
  bound: CreatedBound;
  /** Total of the list, if a page of it was already read. */
  total: number | undefined;
  /** Whether the last page is to count the clinic. Asked when it is requested. */
  isWanted: () => boolean;
}

export function countWithLastPage(
  source: PatientSource,
  { bound: { filter, until }, total, isWanted }: LastPageCount,
): CountedSource {
  let known = total;
  let isWhole = false;
  return {
    estimateWaitMs: (requests) => source.estimateWaitMs(requests),
    isWholeClinic: () => isWhole,
    async page(query, options) {
      const left = (known ?? 0) - (query.page - 1) * query.perPage;
      // A full page is not certain to be the last one.
      const isLast = query.page > 1 && left > 0 && left < query.perPage;
      if (isLast && isWanted()) {
        const filters = query.filters.filter((one) => one !== filter);
        const page = await source.page({ ...query, filters }, options);
        // If Cliniko returns fewer records a page than requested, this is not the last page.
        const isEnd = page.totalEntries === known && page.records.length === left && !page.hasNext;
        isWhole = isEnd && page.records.every((record) => isInList(record, until));
        if (isWhole) return page;
      }
      const page = await source.page(query, options);
      known ??= page.totalEntries;
      return page;
    },
  };
}

function isInList({ createdAt }: ClinikoRecord, until: string): boolean {
  return createdAt !== undefined && isCreatedBy(createdAt, until);
}
