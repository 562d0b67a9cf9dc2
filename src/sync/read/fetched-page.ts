/** A page that a crawl has read, and how the page advances the crawl. */
import type { ClinikoRecord } from '../../cliniko/record.ts';
import { recordKeyOf } from '../../patients/parse-patient.ts';
import type { Crawl } from './crawl.ts';
import type { CrawlPosition } from './crawl-position.ts';

export interface FetchedPage {
  /** The records to store. */
  records: readonly ClinikoRecord[];
  /** The key of each record that the run reads for the first time; otherwise undefined. */
  newKeys: readonly (string | undefined)[];
  /** The position before the page is stored, with the totals of this response. */
  at: CrawlPosition;
  /** The position once the page is stored. */
  after: CrawlPosition;
  /** Total and number of the numbered pages, as known now; undefined for a page without a number. */
  numbered: { total: number | undefined; pages: number } | undefined;
  /** Of a page without a number: how many patients its list has. Undefined: unknown, or the list is a part of the clinic. */
  total?: number | undefined;
}

/**
 * Adds the keys of records to `seen`.
 *
 * @returns the key of each record that is read for the first time; otherwise undefined
 */
export function markSeen({ seen }: Crawl, records: readonly ClinikoRecord[]): (string | undefined)[] {
  return records.map((record) => {
    const key = recordKeyOf(record);
    return seen.add(key) ? key : undefined;
  });
}

/** A page of changed patients, or of patients requested by id. It has no number, and moves the crawl to its last phase. */
export function catchUpPage(crawl: Crawl, records: readonly ClinikoRecord[]): FetchedPage {
  const newKeys = markSeen(crawl, records);
  const coverage = { ...crawl.position.coverage, phase: 'catch-up' } as const;
  crawl.position = withRecordsWithoutId({ ...crawl.position, coverage }, records, newKeys);
  return { records, newKeys, at: crawl.position, after: crawl.position, numbered: undefined };
}

/** A page without records, between the numbered pages and the first request that follows them. */
export function closingPage({ position }: Crawl): FetchedPage {
  return { records: [], newKeys: [], at: position, after: position, numbered: undefined };
}

export function withRecordsWithoutId(
  position: CrawlPosition,
  records: readonly ClinikoRecord[],
  newKeys: readonly (string | undefined)[],
): CrawlPosition {
  const isCounted = (record: ClinikoRecord, index: number) =>
    newKeys[index] !== undefined && record.id === undefined;
  const withoutId = position.coverage.withoutId + records.filter(isCounted).length;
  return { ...position, coverage: { ...position.coverage, withoutId } };
}
