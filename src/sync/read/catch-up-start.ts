/** The first requests of the catch-up scan (catch-up-scan.ts), sent with the last pages or while the clinic is counted again. */
import type { PatientPage, RequestOptions, WaitNotice } from '../../cliniko/source.ts';
import { changedAt, scanChanges, skipRefused } from './change-scan.ts';
import { type Crawl, startedAt } from './crawl.ts';
import { catchUpSince, createdUntil } from './start-time.ts';

export interface StartedCatchUp {
  /** What changed since the run started. */
  changes: AsyncGenerator<PatientPage>;
  hasMissedRows: Promise<boolean>;
  /** Aborts its requests. Only for a catch-up that is not read. */
  stop(): void;
  isStopped(): boolean;
}

/** @param isTooLong whether to stop rather than wait. Default: it waits */
export function startCatchUp(
  crawl: Crawl,
  isTooLong: (wait: WaitNotice) => boolean = () => false,
): StartedCatchUp {
  const stopped = new AbortController();
  const signal = AbortSignal.any([crawl.options.signal, stopped.signal]);
  const onWait = (wait: WaitNotice): void => {
    crawl.options.onWait?.(wait);
    if (isTooLong(wait)) stopped.abort();
  };
  const options: RequestOptions = { ...crawl.options, signal, onWait };
  const since = catchUpSince(startedAt(crawl));
  const asked = { ...crawl.plan.scope, since, perPage: crawl.plan.perPage };
  const changes = scanChanges(crawl.source, asked, options);
  const hasMissedRows = mayHaveMissedRows(crawl, options);
  hasMissedRows.catch(() => {}); // Awaited by the catch-up scan, unless the run fails before.
  return { changes, hasMissedRows, stop: () => stopped.abort(), isStopped: () => stopped.signal.aborted };
}

/**
 * Whether the page scan may have missed patients although the total did not change. A patient that is archived leaves the list
 * of active patients, and the patients behind it move up. A patient that is restored compensates for it in the total. Only the
 * archived patient is certain to be found: it is not known whether restoring a patient changes `updated_at`.
 *
 * If Cliniko ignores the filter, it returns any patient, which proves nothing, like a refusal.
 */
async function mayHaveMissedRows(crawl: Crawl, options: RequestOptions): Promise<boolean> {
  const { source, plan, position } = crawl;
  if (plan.type !== 'active_patients' || position.coverage.keysetScans > 0) return false;
  const since = createdUntil(startedAt(crawl));
  const query = { page: 1, perPage: 1, filters: [`archived_at:>=${since}`], sort: 'archived_at:asc,id:asc' };
  const page = await source.page(query, options).catch(skipRefused);
  return page?.records.some((record) => (changedAt(record, 'archived_at') ?? '') >= since) === true;
}
