/**
 * Reads the numbered pages of a clinic: of all patients in scope that existed when the run started.
 *
 * Neighbours: page-scan.ts fetches the pages in order, early-catch-up.ts is started with the last ones, whole-clinic.ts
 * decides what follows.
 */
import type { PatientPage, PatientSource } from '../../cliniko/source.ts';
import { isComplete, sawNumberedPage } from './completeness.ts';
import { type Crawl, startedAt } from './crawl.ts';
import { type EarlyCatchUp, endEarly, isWorthStartingEarly, startEarly } from './early-catch-up.ts';
import { type FetchedPage, markSeen, withRecordsWithoutId } from './fetched-page.ts';
import { countWithLastPage } from './last-page-count.ts';
import type { ListEnding } from './list-end.ts';
import { type NumberedPage, scanPages } from './page-scan.ts';
import { createdBound, isCreatedBy, startTimeOf } from './start-time.ts';
import { timeAnswers } from './timed-source.ts';

/** In this order edits and new patients do not move other patients. */
const STABLE_SORT = 'created_at:asc,id:asc';

/** How a page scan ended. `early`: the catch-up scan that was started with the last pages, if it still counts. */
export interface ScannedPages {
  ending: ListEnding | undefined;
  early: EarlyCatchUp | undefined;
}

export async function* scanNumberedPages(crawl: Crawl): AsyncGenerator<FetchedPage, ScannedPages> {
  const { options, ahead } = crawl;
  const timed = timeAnswers(crawl.source);
  const first = await firstPage(crawl, timed);
  const { page: fromPage, recordsBefore, pageSize } = crawl.position;
  const started = startedAt(crawl);
  const query = queryFor(crawl, started);
  const asked = { query, fromPage, recordsBefore, pageSize, ahead, first };
  const bound = createdBound(started);
  const isWanted = () => isWorthStartingEarly(crawl, timed);
  const counted = countWithLastPage(timed, { bound, total: first?.totalEntries, isWanted });
  const pages = scanPages(counted, asked, options);
  let early: EarlyCatchUp | undefined;
  for (;;) {
    const page = await pages.next();
    if (page.done === true) {
      const isUsable = counted.isWholeClinic() && isComplete(crawl.position.coverage);
      return { ending: page.value, early: endEarly(early, timed, isUsable) };
    }
    if (isEndInSight(crawl, page.value) && isWanted()) early ??= startEarly(crawl, timed);
    yield numberedPage(crawl, page.value, bound.until);
  }
}

/** Whether the last page is among those that are requested. One that is full does not count the clinic (last-page-count.ts). */
function isEndInSight({ ahead }: Crawl, { number, pages, total, size }: NumberedPage): boolean {
  if (total === undefined || total % size === 0) return false;
  return number < pages && pages - number <= ahead();
}

function queryFor({ plan }: Crawl, started: Date) {
  return {
    perPage: plan.perPage,
    filters: [plan.scope.filter, createdBound(started).filter],
    sort: STABLE_SORT,
  };
}

/** Determines when the run started. @returns the page, unless it has to be read again */
async function firstPage(crawl: Crawl, source: PatientSource): Promise<PatientPage | undefined> {
  const { options, plan, position } = crawl;
  if (position.startedAt !== null || position.page > 1) return undefined;
  const page = await source.page({ ...queryFor(crawl, plan.createdAt), page: 1 }, options);
  const started = startTimeOf(plan.createdAt, page.askedAt);
  crawl.position = { ...position, startedAt: started.toISOString() };
  // By Cliniko's clock the bound of this list is in the future: the page is requested again, with a bound in the past.
  return started === plan.createdAt ? page : undefined;
}

function numberedPage(crawl: Crawl, page: NumberedPage, until: string): FetchedPage {
  const { position, seen } = crawl;
  const { number, records, size, pages, total } = page;
  const place = number === position.page ? position.place : 0;
  // An earlier attempt stopped in the middle of this page. If the page has shifted since, a record before that place may be new:
  // it must not count as seen, because it is not stored here.
  const unread = records.slice(place);
  const newKeys = markSeen(crawl, unread);
  // Otherwise Cliniko ignored the filter: a new patient may compensate in the total for one that was missed.
  const isFiltered = records.every(
    ({ createdAt }) => createdAt === undefined || isCreatedBy(createdAt, until),
  );
  const coverage = sawNumberedPage(position.coverage, total ?? null, isFiltered);
  const arrived = { ...position, page: number, place, pageSize: size, coverage };
  const at = withRecordsWithoutId(arrived, unread, newKeys);
  crawl.position = {
    ...at,
    coverage: { ...at.coverage, seen: seen.size },
    ...(records.length > 0 && {
      page: number + 1,
      place: 0,
      recordsBefore: position.recordsBefore + records.length,
    }),
  };
  return {
    records: unread,
    newKeys,
    at,
    after: crawl.position,
    numbered: { total, pages },
  };
}
