/**
 * Reads all patients of a clinic: by numbered pages first, then by id until a scan proves that it saw them all.
 *
 * Neighbours: numbered-scan.ts and keyset-scan.ts read the lists, completeness.ts does the arithmetic of the proof.
 */
import { type StartedCatchUp, startCatchUp } from './catch-up-start.ts';
import {
  beganKeysetScan,
  type Coverage,
  finishedKeysetPage,
  gaveUpKeysetScan,
  isComplete,
} from './completeness.ts';
import { type Crawl, startedAt } from './crawl.ts';
import { readUnchanged } from './early-catch-up.ts';
import { closingPage, type FetchedPage, markSeen, withRecordsWithoutId } from './fetched-page.ts';
import { type KeysetPage, scanByIds } from './keyset-scan.ts';
import type { ListEnding } from './list-end.ts';
import { type ScannedPages, scanNumberedPages } from './numbered-scan.ts';
import { repeatedPage } from './repeated-page-guard.ts';
import { createdBound } from './start-time.ts';

/** Maximum number of keyset scans, and as many again without a bound on `created_at`. */
const MAX_KEYSET_SCANS = 3;

/** A difference above both limits is not explained by a wrong total. */
const TOTAL_WRONG_BY = { share: 0.02, patients: 20 };

export interface ScannedClinic {
  /** Whether there may be patients after the end of the list that was read, such as new ones. */
  mayHaveNewer: boolean;
  /** Undefined: it still has to be started. */
  catchUp: StartedCatchUp | undefined;
}

export async function* scanWholeClinic(crawl: Crawl): AsyncGenerator<FetchedPage, ScannedClinic> {
  const { phase, afterId } = crawl.position.coverage;
  let scanned: ScannedPages | undefined;
  if (phase === 'page-scan') scanned = yield* scanNumberedPages(crawl);
  // The run shows its last phase while the first request of it has no answer yet.
  yield closingPage(crawl);
  if (phase === 'catch-up') return { mayHaveNewer: true, catchUp: undefined };
  const unchanged = scanned?.early && (await readUnchanged(crawl, scanned.early));
  if (unchanged !== undefined) return { mayHaveNewer: false, catchUp: unchanged };
  const pagesEnded = scanned?.ending;
  // An earlier attempt stopped in the middle of this scan.
  let ending: ListEnding | undefined;
  if (phase === 'keyset-scan')
    ending = yield* keysetScan(crawl, { afterId, listed: crawl.seen.size }, pagesEnded);
  let before: Coverage | undefined;
  for (;;) {
    const { coverage } = crawl.position;
    let { unbounded } = coverage;
    if (!isWorthAScan(coverage, before)) {
      const mayHaveNewer = ending === 'repeated';
      const counted = unbounded ? { mayHaveNewer, catchUp: undefined } : await countAgain(crawl, ending);
      if (counted !== 'unlisted') return counted;
      unbounded = true;
    }
    before = coverage;
    ending = yield* nextKeysetScan(crawl, unbounded, pagesEnded);
  }
}

/** A keyset scan from its start. */
export async function* nextKeysetScan(
  crawl: Crawl,
  isUnbounded: boolean,
  pagesEnded?: ListEnding,
): AsyncGenerator<FetchedPage, ListEnding> {
  const { coverage } = crawl.position;
  // Without a total a bound proves nothing, and it would exclude patients without `created_at`.
  const unbounded = isUnbounded || (coverage.phase !== 'catch-up' && coverage.totalAtEnd === null);
  // The catch-up has also seen patients that the list does not contain, such as new ones.
  const listed = coverage.phase === 'catch-up' ? coverage.seen : crawl.seen.size;
  crawl.position = { ...crawl.position, coverage: beganKeysetScan(coverage, unbounded) };
  const ending = yield* keysetScan(crawl, { afterId: null, listed }, pagesEnded);
  if (ending === 'end') return ending;
  crawl.position = { ...crawl.position, coverage: gaveUpKeysetScan(crawl.position.coverage, coverage) };
  yield closingPage(crawl);
  return ending;
}

/** @param before result of the scan before the newest one; if both are equal, another scan would not change it */
function isWorthAScan(coverage: Coverage, before: Coverage | undefined): boolean {
  const { phase, keysetScans, unbounded, seen, totalAtEnd } = coverage;
  if (isComplete(coverage) || keysetScans >= MAX_KEYSET_SCANS * (unbounded ? 2 : 1)) return false;
  // If Cliniko reports no total, no scan proves more than the first one.
  if (phase === 'keyset-scan' && totalAtEnd === null) return false;
  return before === undefined || before.seen !== seen || before.totalAtEnd !== totalAtEnd;
}

/** Mostly nothing is left to scan, so the catch-up does not wait for the count. */
async function countAgain(
  crawl: Crawl,
  keysetEnded: ListEnding | undefined,
): Promise<ScannedClinic | 'unlisted'> {
  // Totals that contradict the list do not show whether there are others, so it is read by id without its bound. Where that is not
  // possible, its total would include new patients, which would seem to be lacking.
  if (!isComplete(crawl.position.coverage) && keysetEnded !== 'repeated') return 'unlisted';
  const counted = findOthers(crawl);
  const catchUp = startCatchUp(crawl);
  const others = await counted;
  if (others !== 'unlisted') return { mayHaveNewer: others === 'new', catchUp };
  catchUp.stop();
  return others;
}

/**
 * Which patients exist besides those of the list that was read. The list is counted without its filter on `created_at`, and
 * new patients are counted separately. `unlisted`: the whole list has to be read without that filter. Some have no `created_at`,
 * or the filter excludes the whole clinic, such as one that was just imported. Or the list has another total now, which proves
 * nothing about the others.
 */
async function findOthers(crawl: Crawl): Promise<'none' | 'new' | 'unlisted'> {
  const { filter } = crawl.plan.scope;
  const bound = createdBound(startedAt(crawl));
  const { totalAtEnd } = crawl.position.coverage;
  const all = await countPatients(crawl, [filter]);
  if (all === undefined || all === totalAtEnd) return 'none';
  const [older, newer] = await Promise.all([
    countPatients(crawl, [filter, bound.filter]),
    countPatients(crawl, [filter, `created_at:>${bound.until}`]),
  ]);
  const isCounted = older === totalAtEnd && older !== 0 && all <= older + (newer ?? 0);
  return isCounted ? 'new' : 'unlisted';
}

async function countPatients({ source, options }: Crawl, filters: string[]): Promise<number | undefined> {
  const page = await source.page({ page: 1, perPage: 1, filters, sort: 'id:asc' }, options);
  return page.totalEntries;
}

interface KeysetStart {
  afterId: string | null;
  /** Patients of the list that the run has already seen. */
  listed: number;
}

async function* keysetScan(
  crawl: Crawl,
  { afterId, listed }: KeysetStart,
  pagesEnded: ListEnding | undefined,
): AsyncGenerator<FetchedPage, ListEnding> {
  const { source, options, plan, seen } = crawl;
  const { filter } = plan.scope;
  const { unbounded } = crawl.position.coverage;
  const filters = unbounded ? [filter] : [filter, createdBound(startedAt(crawl)).filter];
  const pages = scanByIds(source, { afterId, perPage: plan.perPage, filters, seen: listed }, options);
  let left: number | null = null;
  for (;;) {
    const page = await pages.next();
    if (page.done !== true) {
      left ??= page.value.left;
      yield keysetPage(crawl, page.value);
    } else if (page.value === 'end') return 'end';
    else break;
  }
  // The list could not be read to its end, neither by page numbers nor by ids.
  const total = left ?? 0;
  const isLacking = total - seen.size > Math.max(TOTAL_WRONG_BY.patients, total * TOTAL_WRONG_BY.share);
  if (pagesEnded !== 'end' || isLacking) throw repeatedPage();
  return 'repeated';
}

/** Only the records that no earlier page has shown are stored. */
function keysetPage(crawl: Crawl, { records, afterId, left }: KeysetPage): FetchedPage {
  const keys = markSeen(crawl, records);
  const fresh = records.filter((_, index) => keys[index] !== undefined);
  const newKeys = keys.filter((key) => key !== undefined);
  const at = withRecordsWithoutId(crawl.position, fresh, newKeys);
  const coverage = finishedKeysetPage(at.coverage, { records: records.length, afterId, left });
  const total = left === null ? undefined : at.coverage.seen + left;
  crawl.position = { ...at, coverage };
  return { records: fresh, newKeys, at, after: crawl.position, numbered: undefined, total };
}
