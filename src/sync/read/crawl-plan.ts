/**
 * The crawl of a run: which pages it reads, and in which order, until its clinic is covered.
 *
 * A full or active sync scans numbered pages, and scans by id if these prove nothing (whole-clinic.ts). Then it reads what
 * changed during the scan (catch-up-scan.ts), and a full sync asks by id for stored patients that it did not see
 * (verify-unseen.ts). A changed sync reads only what changed.
 *
 * The crawl decides by what it has read. It is seeded once from the checkpoint, runs ahead of what is stored, and returns the
 * unseen patients at its end.
 */

import { WITH_ARCHIVED } from '../../cliniko/fetch-by-ids.ts';
import type { PatientSource, RequestOptions } from '../../cliniko/source.ts';
import type { Database } from '../../database/open.ts';
import { recordKeyOf } from '../../patients/parse-patient.ts';
import { catchUpScan } from './catch-up-scan.ts';
import {
  type ChangedPage,
  type ChangeField,
  type ChangeScope,
  IgnoredFilterError,
  scanChanges,
} from './change-scan.ts';
import type { Coverage } from './completeness.ts';
import type { Crawl, CrawlPlan } from './crawl.ts';
import { type CrawlPosition, START } from './crawl-position.ts';
import { type FetchedPage, markSeen } from './fetched-page.ts';
import { RepeatedPageError } from './repeated-page-guard.ts';
import { SeenIds } from './seen-ids.ts';
import { startTimeOf } from './start-time.ts';
import { type VerifiedUnseen, verifyUnseen } from './verify-unseen.ts';
import { readWatermark } from './watermark.ts';
import { scanWholeClinic } from './whole-clinic.ts';

/** The scope of a sync. Archiving may not change `updated_at`, so `archived_at` is scanned as well. */
const ALL_PATIENTS: ChangeScope = { filter: WITH_ARCHIVED, fields: ['updated_at', 'archived_at'] };
const ONLY_ACTIVE: ChangeScope = { filter: 'archived_at:!?', fields: ['updated_at'] };

export interface CrawlContext {
  plan: CrawlPlan;
  source: PatientSource;
  options: RequestOptions;
  ahead: () => number;
  /** To query the stored patients. */
  database: Database;
  /** From the checkpoint: the position that an earlier attempt reached, and the ids it has stored. */
  from: CrawlPosition;
  seen: SeenIds;
}

export async function planCrawl(
  database: Database,
  asked: Omit<CrawlPlan, 'scope' | 'since'>,
): Promise<CrawlPlan> {
  const { type, organizationId } = asked;
  const since = type === 'changed_patients' ? await readWatermark(database, organizationId) : undefined;
  return { ...asked, scope: type === 'active_patients' ? ONLY_ACTIVE : ALL_PATIENTS, since };
}

/** Yields the remaining pages. @returns the unseen patients, if the crawl has proven that it saw all others */
export async function* remainingPages(
  context: CrawlContext,
): AsyncGenerator<FetchedPage, VerifiedUnseen | undefined> {
  const { plan, source, options, ahead, database, from, seen } = context;
  // Changes are few and are read again from the start. Ids in `seen` do not count again.
  const position = plan.since === undefined ? from : START;
  const crawl: Crawl = { plan, source, options, ahead, seen, position };
  if (plan.since !== undefined && (yield* changedPages(crawl, plan.since))) return undefined;
  yield* catchUpScan(crawl, yield* scanWholeClinic(crawl));
  return yield* verifyUnseen(crawl, database.sql);
}

/**
 * @returns false when Cliniko ignores the filter on `updated_at`, or the list cannot be read to its end: then everything has to be
 * read
 */
async function* changedPages(crawl: Crawl, since: string): AsyncGenerator<FetchedPage, boolean> {
  const { plan, source, options } = crawl;
  const { perPage, createdAt } = plan;
  const lists = new Map<ChangeField, ReadList>();
  try {
    for await (const page of scanChanges(source, { ...plan.scope, since, perPage }, options)) {
      if (isFirstPage(crawl)) {
        const coverage = { ...crawl.position.coverage, ...totalsOf(page.totalEntries) };
        const startedAt = startTimeOf(createdAt, page.askedAt).toISOString();
        crawl.position = { ...crawl.position, startedAt, pageSize: perPage, coverage };
      }
      const list = lists.get(page.field) ?? { seen: new SeenIds(), total: page.totalEntries };
      lists.set(page.field, list);
      for (const record of page.records) list.seen.add(recordKeyOf(record));
      yield changedPage(crawl, page, coverageOf(crawl, lists));
    }
    return true;
  } catch (error) {
    if (!(error instanceof IgnoredFilterError || error instanceof RepeatedPageError)) throw error;
    // The patients of the pages before are read again. None counts twice. But a scan of numbered pages counts all that the run has
    // seen, and its list omits new ones, so it proves nothing then: a scan by id has to.
    const coverage = { ...START.coverage, totalUnchanged: crawl.seen.size === 0 };
    crawl.position = { ...START, coverage };
    return false;
  }
}

/** What was read of the list of one field's changes. Only the first total counts the whole list. */
interface ReadList {
  seen: SeenIds;
  total: number | undefined;
}

/** `seen` and the totals are those of the first list. Another one has patients that the first one does not. */
function coverageOf({ plan, position }: Crawl, lists: ReadonlyMap<ChangeField, ReadList>): Coverage {
  const [listed, ...others] = plan.scope.fields.map((field) => lists.get(field));
  const isShort = others.some((list) => list !== undefined && list.seen.size < (list.total ?? 0));
  return { ...position.coverage, seen: listed?.seen.size ?? 0, isShort };
}

function totalsOf(total: number | undefined) {
  return { totalAtStart: total ?? null, totalAtEnd: total ?? null };
}

const isFirstPage = ({ position }: Crawl): boolean => position.page === START.page;

/** An empty page at the end of a list is not counted, as in a scan of numbered pages. */
function changedPage(crawl: Crawl, { records, totalEntries }: ChangedPage, coverage: Coverage): FetchedPage {
  const newKeys = markSeen(crawl, records);
  const at = crawl.position;
  const total = isFirstPage(crawl) ? totalEntries : undefined;
  const next = isFirstPage(crawl) || records.length > 0 ? at.page + 1 : at.page;
  // The records of the second at which a page ends are read again, so there can be more pages than by the total.
  const pages = Math.max(next - 1, Math.ceil((at.coverage.totalAtStart ?? 0) / crawl.plan.perPage));
  crawl.position = { ...at, page: next, coverage };
  return { records, newKeys, at, after: crawl.position, numbered: { total, pages } };
}
