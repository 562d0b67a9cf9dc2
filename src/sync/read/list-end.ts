/**
 * Where a list of Cliniko ends. The total and the link to the next page may be wrong or missing, so neither is trusted
 * alone: an answer that promises more is followed, and an empty answer that contradicts a promise is asked for again.
 *
 * Not here: what an end that contradicts a total means for the proof (completeness.ts).
 */
import { ClinikoError } from '../../cliniko/error.ts';
import type { PageOptions, PageQuery, PatientPage, PatientSource } from '../../cliniko/source.ts';

/** How a list ended: with its last page, or with one that shows that Cliniko does not keep to the question. */
export type ListEnding = 'end' | 'repeated';

export interface ListPosition {
  /** Whether the next answer is the first one of the list. */
  isBeginning: boolean;
  /** Whether there may be nothing in the list, whatever its total says. */
  mayBeEmpty: boolean;
  /** Records a page holds, when that is known. */
  size: number | null;
  perPage: number;
  /** Records read so far. */
  read: number;
  /** What a total counts: the whole list (numbered pages), or what is behind the last record that was read. */
  totalOf: 'list' | 'rest';
}

export interface ListEnd {
  /**
   * An empty answer where records were promised is asked for again. The same emptiness a second time is the end of a list
   * whose total is wrong; unless nothing was read before, or a whole page or more has disappeared: that is an outage.
   *
   * @param ask sends the same request again
   * @returns the answer to go on with
   * @throws ClinikoError when the emptiness is no end
   */
  confirm(page: PatientPage, ask: () => Promise<PatientPage>): Promise<PatientPage>;
  /** Takes an answer into account. @returns how many pages may follow; 0 at the end of the list */
  passed(page: PatientPage): number;
  /** Records a page holds: less than asked for when Cliniko gives less. */
  size(): number;
}

export function createListEnd({
  isBeginning,
  mayBeEmpty,
  size: known,
  perPage,
  read: before,
  totalOf,
}: ListPosition): ListEnd {
  let size = known ?? perPage;
  let read = before;
  let isFirst = isBeginning;
  let promised = 0;

  async function confirm(page: PatientPage, ask: () => Promise<PatientPage>): Promise<PatientPage> {
    const isPromised = promised > 0 || promisedBy(page, totalOf === 'rest' ? 0 : read) > 0;
    if (page.records.length > 0 || !isPromised) return page;
    const again = await ask();
    if (again.records.length > 0) return again;
    const hasVanished = again.totalEntries === 0 && promised >= size;
    if ((isFirst && !mayBeEmpty) || hasVanished) throw new ClinikoError({ kind: 'unreadable', status: 200 });
    return again;
  }

  function passed(page: PatientPage): number {
    const { length } = page.records;
    read = totalOf === 'rest' ? length : read + length;
    if (!isFirst || known !== null) size = Math.max(size, length);
    else if (length > 0 && promisedBy(page, read) > 0) size = length;
    isFirst = false;
    promised = promisedBy(page, read);
    if (length === 0 || !goesOn(page, read, size)) return 0;
    return Math.max(1, Math.ceil(((page.totalEntries ?? 0) - read) / size));
  }

  return { confirm, passed, size: () => size };
}

/** Whether another question has to follow this answer. */
function goesOn({ records, totalEntries, hasNext }: PatientPage, read: number, size: number): boolean {
  // Without a total, or with one that is smaller than what was read, only an empty page is the end.
  if (hasNext || totalEntries === undefined || totalEntries < read) return true;
  // A total may be one too low: behind a full page one more question tells.
  return totalEntries > read || records.length >= size;
}

/** Records behind those that were read. */
function promisedBy({ totalEntries, hasNext }: PatientPage, read: number): number {
  return Math.max(hasNext ? 1 : 0, (totalEntries ?? 0) - read);
}

/** Cliniko may answer a page behind the last one with 404 instead of an empty list. */
const PAST_THE_END = 404;

const EMPTY_PAGE: PatientPage = { records: [], totalEntries: undefined, hasNext: false };

/** @throws ClinikoError, or the signal's reason */
export async function readPage(
  source: PatientSource,
  query: PageQuery,
  options: PageOptions,
): Promise<PatientPage> {
  try {
    return await source.page(query, options);
  } catch (error) {
    const failure = error instanceof ClinikoError ? error.failure : undefined;
    const isPastTheEnd = failure?.kind === 'unreadable' && failure.status === PAST_THE_END;
    if (isPastTheEnd && query.page > 1) return EMPTY_PAGE;
    throw error;
  }
}
