/**
 * The batches of a crawl: the records of each page, divided into batches and prepared for storing.
 *
 * Neighbours: read/crawl-plan.ts yields the pages, prepare-batch.ts parses a batch, pipeline.ts stores it.
 */
import type { ISql } from 'postgres';
import type { ClinikoRecord } from '../../cliniko/record.ts';
import type { ParseRules } from '../../patients/parse-patient.ts';
import { hasPatients, readStoredVersions, type StoredVersions } from '../../patients/upsert.ts';
import type { CrawlPosition } from '../read/crawl-position.ts';
import type { FetchedPage } from '../read/fetched-page.ts';
import { batchSize, foundWith } from '../run-state.ts';
import { type PreparedBatch, prepareBatch } from './prepare-batch.ts';

/** Records of one page that are stored together, or an empty page. */
export interface PageBatch {
  page: FetchedPage;
  records: readonly ClinikoRecord[];
  /** Keys of the records that the run reads for the first time. */
  newKeys: readonly string[];
  /** The position of the run once they are stored. */
  position: CrawlPosition;
  isFirst: boolean;
}

/** @param found the total that an earlier attempt knew */
export async function* cutIntoBatches<Result>(
  pages: AsyncGenerator<FetchedPage, Result>,
  found: number,
): AsyncGenerator<PageBatch, Result> {
  let total = found;
  for (;;) {
    const page = await pages.next();
    if (page.done === true) return page.value;
    total = foundWith(total, page.value);
    yield* cutPage(page.value, batchSize(total));
  }
}

function* cutPage(page: FetchedPage, size: number): Generator<PageBatch> {
  const { records, newKeys, at, after } = page;
  for (let from = 0; from === 0 || from < records.length; from += size) {
    const until = from + size;
    const isLast = until >= records.length;
    yield {
      page,
      records: records.slice(from, until),
      newKeys: newKeys.slice(from, until).filter((key) => key !== undefined),
      position: isLast ? after : placedAt(at, until),
      isFirst: from === 0,
    };
  }
}

/** Only a numbered page is resumed in the middle. Any other page is read again, and its stored records do not count again. */
function placedAt(at: CrawlPosition, records: number): CrawlPosition {
  return at.coverage.phase === 'page-scan' ? { ...at, place: at.place + records } : at;
}

export type PreparedPageBatch = PageBatch & { prepared: PreparedBatch | undefined };

export async function* prepareBatches<Result>(
  batches: AsyncGenerator<PageBatch, Result>,
  { sql, organizationId, rules }: { sql: ISql; organizationId: number; rules: ParseRules },
): AsyncGenerator<PreparedPageBatch, Result> {
  const isNew = !(await hasPatients(sql, organizationId));
  let stored: StoredVersions = NONE;
  for (;;) {
    const next = await batches.next();
    if (next.done === true) return next.value;
    const batch = next.value;
    // The page scan of a new clinic reads no stored patient. A patient read twice is written twice and counted once.
    const mayBeStored = !isNew || batch.page.at.coverage.phase !== 'page-scan';
    // The versions of a whole page. The conditions of the upsert handle concurrent writes, such as a quarantine retry.
    if (batch.isFirst)
      stored = mayBeStored ? await readStoredVersions(sql, organizationId, idsOf(batch.page)) : NONE;
    const prepared = batch.records.length > 0 ? await prepareBatch(batch, rules, stored) : undefined;
    yield { ...batch, prepared };
  }
}

const NONE: StoredVersions = new Map();

const idsOf = ({ records }: FetchedPage): string[] => records.flatMap((record) => record.id ?? []);

/** Requests batches before they are needed, so that reading and storing do not wait for each other at every batch. */
export function readAhead<T, Result>(
  batches: AsyncGenerator<T, Result>,
  count: number,
): { next(): Promise<IteratorResult<T, Result>> } {
  const ask = (): Promise<IteratorResult<T, Result>> => {
    const next = batches.next();
    next.catch(() => {}); // Awaited in `next()`, unless an earlier batch fails.
    return next;
  };
  const asked = Array.from({ length: count }, ask);
  return {
    async next() {
      const next = asked.shift() ?? ask();
      const result = await next;
      asked.push(ask());
      return result;
    },
  };
}
