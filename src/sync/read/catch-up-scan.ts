/** The catch-up scan: what changed while the whole clinic was read. */
import { IgnoredFilterError, scanChanges } from './change-scan.ts';
import { type Crawl, catchUpPage, type FetchedPage } from './fetched-page.ts';
import { scanByIds } from './keyset-scan.ts';
import { RepeatedPageError } from './repeated-page-guard.ts';
import { catchUpSince, createdUntil } from './start-time.ts';
import { nextKeysetScan, startedAt } from './whole-clinic.ts';

/** @param mayHaveNewer whether patients may have been created behind the end of what was read */
export async function* catchUpScan(crawl: Crawl, mayHaveNewer: boolean): AsyncGenerator<FetchedPage> {
  const missed = mayHaveMissedRows(crawl);
  missed.catch(() => {}); // Awaited below, unless the scan fails before.
  if (mayHaveNewer) yield* createdLater(crawl);
  yield* changedMeanwhile(crawl);
  if (await missed) yield* nextKeysetScan(crawl, false);
}

/** New patients, and those whose `created_at` lies in the future: it is not certain that they are found as changed. */
async function* createdLater(crawl: Crawl): AsyncGenerator<FetchedPage> {
  const { source, options, plan } = crawl;
  const filters = [plan.scope.filter, `created_at:>${createdUntil(startedAt(crawl))}`];
  const asked = { afterId: null, perPage: plan.perPage, filters, seen: 0 };
  for await (const { records } of scanByIds(source, asked, options)) yield catchUpPage(crawl, records);
}

/** Where Cliniko does not keep these conditions, the whole clinic has just been read: the next sync sees the changes. */
async function* changedMeanwhile(crawl: Crawl): AsyncGenerator<FetchedPage> {
  const { source, options, plan } = crawl;
  const asked = { ...plan.scope, since: catchUpSince(startedAt(crawl)), perPage: plan.perPage };
  try {
    for await (const { records } of scanChanges(source, asked, options)) yield catchUpPage(crawl, records);
  } catch (error) {
    if (!(error instanceof IgnoredFilterError || error instanceof RepeatedPageError)) throw error;
  }
}

/**
 * Whether the page scan may have missed patients although the total did not change. A patient who is archived leaves a list
 * of the active ones and moves those behind it up; another one who comes back makes up for it in the total. Of the two only
 * the archived one shows for certain: it is not known that coming back moves `updated_at`.
 */
async function mayHaveMissedRows(crawl: Crawl): Promise<boolean> {
  const { source, options, plan, position } = crawl;
  if (plan.type !== 'active_patients' || position.coverage.keysetScans > 0) return false;
  const filters = [`archived_at:>=${createdUntil(startedAt(crawl))}`];
  const page = await source.page({ page: 1, perPage: 1, filters, sort: 'archived_at:asc,id:asc' }, options);
  return page.records.length > 0;
}
