/** The catch-up scan reads what changed while the whole clinic was read. */
import type { PatientPage } from '../../cliniko/source.ts';
import { startCatchUp } from './catch-up-start.ts';
import { IgnoredFilterError } from './change-scan.ts';
import { type Crawl, startedAt } from './crawl.ts';
import { catchUpPage, type FetchedPage } from './fetched-page.ts';
import { scanByIds } from './keyset-scan.ts';
import { RepeatedPageError } from './repeated-page-guard.ts';
import { createdUntil } from './start-time.ts';
import { nextKeysetScan, type ScannedClinic } from './whole-clinic.ts';

export async function* catchUpScan(crawl: Crawl, scanned: ScannedClinic): AsyncGenerator<FetchedPage> {
  const { changes, hasMissedRows } = scanned.catchUp ?? startCatchUp(crawl);
  if (scanned.mayHaveNewer) yield* createdLater(crawl);
  yield* changedDuringScan(crawl, changes);
  if (await hasMissedRows) yield* nextKeysetScan(crawl, false);
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
