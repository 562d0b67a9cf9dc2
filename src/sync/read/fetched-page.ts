/** A page that a crawl has read, and how a crawl moves on by it. */
import type { PageOptions, PatientSource } from '../../cliniko/source.ts';
import { readId } from '../../cliniko/wire.ts';
import { recordKeyOf } from '../../patients/parse-patient.ts';
import type { CrawlPlan } from './crawl-plan.ts';
import type { CrawlPosition } from './crawl-position.ts';
import type { SeenIds } from './seen-ids.ts';

export interface FetchedPage {
  /** To be stored. */
  records: readonly unknown[];
  /** For each record its key, when the run read it for the first time. */
  newKeys: readonly (string | undefined)[];
  /** Where the run stands before the page is stored, with what the answer told. */
  at: CrawlPosition;
  /** Where it stands when the page is stored. */
  after: CrawlPosition;
  /** Of the numbered pages, as far as is known now; undefined for a page without a number. */
  numbered: { total: number | undefined; pages: number } | undefined;
}

/** A crawl under way. It decides by what it has read, which is ahead of what is stored. */
export interface Crawl {
  readonly source: PatientSource;
  readonly options: PageOptions;
  readonly plan: CrawlPlan;
  /** Keys of the records that this run has read. */
  readonly seen: SeenIds;
  position: CrawlPosition;
}

/**
 * Takes note of records.
 *
 * @returns for each its key, when it is read for the first time
 */
export function noteRecords({ seen }: Crawl, records: readonly unknown[]): (string | undefined)[] {
  return records.map((record) => {
    const key = recordKeyOf(record);
    if (seen.has(key)) return undefined;
    seen.add(key);
    return key;
  });
}

/** A page of patients who changed, or who were asked for: it stands for itself, and moves the crawl to its last phase. */
export function catchUpPage(crawl: Crawl, records: readonly unknown[]): FetchedPage {
  const newKeys = noteRecords(crawl, records);
  const coverage = { ...crawl.position.coverage, phase: 'catch-up' } as const;
  crawl.position = withRecordsWithoutId({ ...crawl.position, coverage }, records, newKeys);
  return { records, newKeys, at: crawl.position, after: crawl.position, numbered: undefined };
}

export function withRecordsWithoutId(
  position: CrawlPosition,
  records: readonly unknown[],
  newKeys: readonly (string | undefined)[],
): CrawlPosition {
  const isCounted = (record: unknown, index: number) =>
    newKeys[index] !== undefined && readId(record) === undefined;
  const withoutId = position.coverage.withoutId + records.filter(isCounted).length;
  return { ...position, coverage: { ...position.coverage, withoutId } };
}
