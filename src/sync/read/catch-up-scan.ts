/** The catch-up scan reads what changed while the whole clinic was read. */
import type { PatientPage } from '../../cliniko/source.ts';
import { IgnoredFilterError } from './change-scan.ts';
import type { Crawl } from './crawl.ts';
import { catchUpPage, type FetchedPage } from './fetched-page.ts';
import { scanByIds } from './keyset-scan.ts';
import { RepeatedPageError } from './repeated-page-guard.ts';
import { createdUntil } from './start-time.ts';
import { changesSinceStart, nextKeysetScan, startedAt } from './whole-clinic.ts';

/** @param changes already requested; undefined when patients may have been created after the end of the list that was read */
export async function* catchUpScan(
  crawl: Crawl,
  changes: AsyncGenerator<PatientPage> | undefined,
): AsyncGenerator<FetchedPage> {
  const missed = mayHaveMissedRows(crawl);
  missed.catch(() => {}); // Awaited below, unless the scan fails before.
  if (changes === undefined) yield* createdLater(crawl);
  yield* changedDuringScan(crawl, changes ?? changesSinceStart(crawl));
  if (await missed) yield* nextKeysetScan(crawl, false);
}

/** New patients, and those whose `created_at` is in the future: the scan for changes may not find them. */
async function* createdLater(crawl: Crawl): AsyncGenerator<FetchedPage> {
  const { source, options, plan } = crawl;
  const filters = [plan.scope.filter, `created_at:>${createdUntil(startedAt(crawl))}`];
  const asked = { afterId: null, perPage: plan.perPage, filters, seen: 0 };
  for await (const { records } of scanByIds(source, asked, options)) yield catchUpPage(crawl, records);
}

/** If Cliniko ignores these filters, the scan stops: the whole clinic was just read, and the next sync finds the changes. */
async function* changedDuringScan(
  crawl: Crawl,
  changes: AsyncGenerator<PatientPage>,
): AsyncGenerator<FetchedPage> {
  try {
    for await (const { records } of changes) yield catchUpPage(crawl, records);
  } catch (error) {
    if (!(error instanceof IgnoredFilterError || error instanceof RepeatedPageError)) throw error;
  }
}

/**
 * Whether the page scan may have missed patients although the total did not change. A patient that is archived leaves the list
 * of active patients, and the patients behind it move up. A patient that is restored compensates for it in the total. Only the
 * archived patient is certain to be found: it is not known whether restoring a patient changes `updated_at`.
 */
async function mayHaveMissedRows(crawl: Crawl): Promise<boolean> {
  const { source, options, plan, position } = crawl;
  if (plan.type !== 'active_patients' || position.coverage.keysetScans > 0) return false;
  const filters = [`archived_at:>=${createdUntil(startedAt(crawl))}`];
  const page = await source.page({ page: 1, perPage: 1, filters, sort: 'archived_at:asc,id:asc' }, options);
  return page.records.length > 0;
}
