/**
 * Where a list of Cliniko ends. The total and the link to the next page may be wrong or missing, so neither is trusted alone.
 * If a response promises more records, the scan continues. An empty page that contradicts a promise is requested again.
 *
 * Not here: what an end that contradicts a total means for the proof (completeness.ts).
 */
import { ClinikoError, isRequestRefused, unusablePage } from '../../cliniko/error.ts';
import type { PageQuery, PatientPage, PatientSource, RequestOptions } from '../../cliniko/source.ts';

/** How a list ended: with its last page, or with a page that shows that Cliniko ignores the request parameters. */
export type ListEnding = 'end' | 'repeated';

export interface ListPosition {
  /** Whether the next response is the first one of the list. */
  isBeginning: boolean;
  /** Whether the list may be empty, whatever its total says. */
  mayBeEmpty: boolean;
  /** Records per page, if known. */
  size: number | null;
  perPage: number;
  /** Records read so far. */
  read: number;
  /** What a total counts: the whole list (numbered pages), or the records after the last one that was read. */
  totalOf: 'list' | 'rest';
}

/** What may follow a response. */
interface Following {
  /** Requests; 0 at the end of the list. */
  requests: number;
  /** Pages with records, as far as is known: a full last page is followed by a request, but by no page. */
  pages: number;
}

export interface ListEnd {
  /**
   * Requests an empty page again if records were promised. A second empty page is the end of a list with a wrong total.
   * Exceptions: nothing was read before, or a whole page of at least `OUTAGE_FROM` records has disappeared. That is an outage.
   *
   * @param ask sends the same request again
   * @returns the response to continue with
   * @throws ClinikoError when the empty page is not the end of the list
   */
  confirm(page: PatientPage, ask: () => Promise<PatientPage>): Promise<PatientPage>;
  /** Counts a response. */
  passed(page: PatientPage): Following;
  /** Records per page: fewer than requested if Cliniko returns fewer. */
  size(): number;
}

/** Fewer patients can be deleted between two requests. If as many or more are gone at once, Cliniko is failing. */
export const OUTAGE_FROM = 10;

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
    const hasVanished = again.totalEntries === 0 && promised >= Math.max(size, OUTAGE_FROM);
    if ((isFirst && !mayBeEmpty) || hasVanished) throw new ClinikoError(unusablePage('empty'));
    return again;
  }

  function passed(page: PatientPage): Following {
    const { length } = page.records;
    read = totalOf === 'rest' ? length : read + length;
    if (!isFirst || known !== null) size = Math.max(size, length);
    else if (length > 0 && promisedBy(page, read) > 0) size = length;
    isFirst = false;
    promised = promisedBy(page, read);
    if (length === 0 || !goesOn(page, read, size)) return { requests: 0, pages: 0 };
    const rest = Math.max(0, (page.totalEntries ?? 0) - read);
    const least = page.hasNext ? 1 : 0;
    // If the last page is full, the request after it can be sent with it.
    return { requests: Math.floor(rest / size) + 1, pages: Math.max(least, Math.ceil(rest / size)) };
  }

  return { confirm, passed, size: () => size };
}

/** Whether another request has to follow this response. */
function goesOn({ records, totalEntries, hasNext }: PatientPage, read: number, size: number): boolean {
  // Without a total, or with one below the number of records read, only an empty page is the end.
  if (hasNext || totalEntries === undefined || totalEntries < read) return true;
  // A total may be too low by one, so a full page is followed by one more request.
  return totalEntries > read || records.length >= size;
}

/** Records after those that were read. */
function promisedBy({ totalEntries, hasNext }: PatientPage, read: number): number {
  return Math.max(hasNext ? 1 : 0, (totalEntries ?? 0) - read);
}

const EMPTY_PAGE: PatientPage = { records: [], totalEntries: undefined, hasNext: false };

/**
 * Cliniko may refuse a page after the last one (404, 400 or 422) instead of returning an empty list, and pages behind a limit
 * that it does not document. Its first page shows that it accepts the rest of the request.
 *
 * @throws ClinikoError, or the signal's reason
 */
export async function readPage(
  source: PatientSource,
  query: PageQuery,
  options: RequestOptions,
): Promise<PatientPage> {
  try {
    return await source.page(query, options);
  } catch (error) {
    if (isRequestRefused(error) && query.page > 1) return EMPTY_PAGE;
    throw error;
  }
}
