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
import { type ChangedPage, type ChangeScope, IgnoredFilterError, scanChanges } from './change-scan.ts';
import type { Crawl, CrawlPlan } from './crawl.ts';
import { type CrawlPosition, START } from './crawl-position.ts';
import { type FetchedPage, markSeen } from './fetched-page.ts';
import { SeenIds } from './seen-ids.ts';
import { startTimeOf } from './start-time.ts';
import { type VerifiedUnseen, verifyUnseen } from './verify-unseen.ts';
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

/** @returns false when Cliniko ignores the filter on `updated_at`: then everything has to be read */
async function* changedPages(crawl: Crawl, since: string): AsyncGenerator<FetchedPage, boolean> {
  const { plan, source, options } = crawl;
  const { perPage, createdAt } = plan;
  const [listed] = plan.scope.fields;
  const seen = new SeenIds();
  try {
    for await (const page of scanChanges(source, { ...plan.scope, since, perPage }, options)) {
      if (isFirstPage(crawl)) {
        const coverage = { ...crawl.position.coverage, ...totalsOf(page.totalEntries) };
        const startedAt = startTimeOf(createdAt, page.askedAt).toISOString();
        crawl.position = { ...crawl.position, startedAt, pageSize: perPage, coverage };
      }
      // The total is that of the first list. Another one has patients that the first one does not.
      if (page.field === listed) for (const record of page.records) seen.add(recordKeyOf(record));
      yield changedPage(crawl, page, seen.size);
    }
    return true;
  } catch (error) {
    if (error instanceof IgnoredFilterError && isFirstPage(crawl)) return false;
    throw error;
  }
}

/** Only the first total counts the whole list. Later ones count the rest. */
function totalsOf(total: number | undefined) {
  return { totalAtStart: total ?? null, totalAtEnd: total ?? null };
}

const isFirstPage = ({ position }: Crawl): boolean => position.page === START.page;

/** An empty page at the end of a list is not counted, as in a scan of numbered pages. */
function changedPage(crawl: Crawl, { records, totalEntries }: ChangedPage, seen: number): FetchedPage {
  const newKeys = markSeen(crawl, records);
  const at = crawl.position;
  const total = isFirstPage(crawl) ? totalEntries : undefined;
  const next = isFirstPage(crawl) || records.length > 0 ? at.page + 1 : at.page;
  // The records of the second at which a page ends are read again, so there can be more pages than by the total.
  const pages = Math.max(next - 1, Math.ceil((at.coverage.totalAtStart ?? 0) / crawl.plan.perPage));
  crawl.position = { ...at, page: next, coverage: { ...at.coverage, seen } };
  return { records, newKeys, at, after: crawl.position, numbered: { total, pages } };
}

/** The last one decides. Older ones are for a clock that was set back by less than a day. */
const NEWEST_RUNS = 20;

/** Clocks differ, and records that are written while a run starts become visible later. */
const OVERLAP = '5 minutes';

/**
 * Runs before the organization was registered (again), or before its key was replaced, do not count: the patients they stored
 * may be deleted or may belong to another clinic.
 *
 * @returns the time since which a changed sync reads changes (ISO 8601 UTC, whole seconds); undefined when no full or changed
 * sync of this organization has completed, so everything has to be read
 */
async function readWatermark({ sql }: Database, organizationId: number): Promise<string | undefined> {
  const [row] = await sql<{ since: string | null }[]>`
    select to_char(max(began) - ${OVERLAP}::interval, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since from (
      select least(log.started_at,
        coalesce(run.checkpoint #>> '{position,startedAt}', run.checkpoint ->> 'began')::timestamptz at time zone 'utc') as began
      from sync_logs as log join sync_runs as run on run.sync_log_id = log.id
        join organizations on organizations.id = log.organization_id
        join cliniko_credentials as credentials on credentials.organization_id = log.organization_id
      where log.organization_id = ${organizationId} and log.status = 'completed'
        and log.operation_type in ('full_patients', 'changed_patients')
        -- Another program can set the status of a run that has read only a part of the clinic.
        and log.metadata ->> 'phase' = 'completed'
        -- The clock was ahead: it is not known when this run began.
        and log.started_at < (now() at time zone 'utc') + interval '1 day'
        and run.created_at >= greatest(organizations.created_at, credentials.updated_at)
      order by log.started_at desc, log.id desc limit ${NEWEST_RUNS}) as newest`;
  return row?.since ?? undefined;
}
