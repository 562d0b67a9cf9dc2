/**
 * The change scan reads what changed since a given time, ordered by `updated_at`.
 *
 * Numbered pages would lose patients: a patient that is edited during the scan moves to the end, and the first patient of the
 * next page moves up unread. So each request asks for what changed since the last change seen, and always reads the first
 * page. If a whole page shares one second, the patients of that second are read by id, an order that no edit changes.
 *
 * Numbered pages are used only if Cliniko ignores the sort or the filters that this needs.
 */
import { ClinikoError, isRequestRefused, unusablePage } from '../../cliniko/error.ts';
import type { ClinikoRecord } from '../../cliniko/record.ts';
import type { PatientPage, PatientSource, RequestOptions } from '../../cliniko/source.ts';
import { scanByIds } from './keyset-scan.ts';
import { createListEnd } from './list-end.ts';
import { scanPages } from './page-scan.ts';
import { repeatedPage } from './repeated-page-guard.ts';

/** A response without any of the requested patients. What is missing is not known, so it is not the end of the data. */
export class IgnoredFilterError extends ClinikoError {}

export type ChangeField = 'updated_at' | 'archived_at';

export interface ChangeScope {
  /** Which patients are in scope: `archived_at:*`, or `archived_at:!?` for active patients only. */
  filter: string;
  /** The timestamps that indicate a change. */
  fields: readonly ChangeField[];
}

export interface ChangeScanOptions extends ChangeScope {
  /** ISO 8601 UTC, whole seconds. */
  since: string;
  perPage: number;
}

/** A page of the list of one field's changes. A patient may be in the lists of several fields. */
export interface ChangedPage extends PatientPage {
  field: ChangeField;
}

/** A scan whose first page was already requested. */
interface StartedScan {
  field: ChangeField;
  first: Promise<IteratorResult<PatientPage, void>>;
  pages: AsyncGenerator<PatientPage, void>;
}

/**
 * The first pages are requested by the call, concurrently: mostly they are the only ones.
 *
 * @throws IgnoredFilterError, RepeatedPageError, ClinikoError, or the signal's reason
 */
export function scanChanges(
  source: PatientSource,
  plan: ChangeScanOptions,
  options: RequestOptions,
): AsyncGenerator<ChangedPage> {
  const scans = plan.fields.map((field) => {
    const pages = scanField(source, plan, field, options);
    const first = pages.next();
    first.catch(() => {}); // Awaited when it is its turn, unless another scan fails first.
    return { field, first, pages };
  });
  return oneAfterAnother(scans);
}

async function* oneAfterAnother(scans: readonly StartedScan[]): AsyncGenerator<ChangedPage> {
  for (const { field, first, pages } of scans) {
    const page = field === 'archived_at' ? await first.catch(skipRefused) : await first;
    if (page === undefined || page.done === true) continue;
    yield { ...page.value, field };
    for await (const next of pages) yield { ...next, field };
  }
}

/** For a list by `archived_at`. Cliniko documents no order by it, and refuses what it does not know. */
export function skipRefused(error: unknown): undefined {
  if (!isRequestRefused(error)) throw error;
}

/** The request parameters of a scan over one field's changes. */
interface FieldScan {
  source: PatientSource;
  field: ChangeField;
  perPage: number;
  /** The filters of every request. */
  filters: readonly string[];
  options: RequestOptions;
}

async function* scanField(
  source: PatientSource,
  { filter, since, perPage }: ChangeScanOptions,
  field: ChangeField,
  options: RequestOptions,
): AsyncGenerator<PatientPage> {
  // A filter on `archived_at` includes archived patients by itself.
  const filters = field === 'archived_at' ? [] : [filter];
  const scan: FieldScan = { source, field, perPage, filters, options };
  const beginning = {
    isBeginning: true,
    mayBeEmpty: true,
    size: null,
    perPage,
    read: 0,
    totalOf: 'rest',
  } as const;
  let end = createListEnd(beginning);
  for (let from = since; ; ) {
    const query = { page: 1, perPage, filters: [...filters, `${field}:>=${from}`], sort: sortBy(field) };
    const ask = () => source.page(query, options);
    const page = await end.confirm(await ask(), ask);
    const times = timesOf(page, field);
    if (isFilterIgnored(page, times, from, field)) return refuseIgnored(field);
    yield page;
    if (end.passed(page).requests === 0) return;
    const last = times.at(-1);
    if (last === undefined || !isAscending(times)) return yield* numberedPages(scan, from);
    if (last > from) from = last;
    else {
      yield* scanSecond(scan, from);
      // The records that the total promised have been read.
      [from, end] = [secondAfter(from), createListEnd(beginning)];
    }
  }
}

const sortBy = (field: ChangeField) => `${field}:asc,id:asc`;

/** Reads all changes of one second, by id. */
async function* scanSecond(scan: FieldScan, second: string): AsyncGenerator<PatientPage> {
  const { source, field, perPage, options } = scan;
  const filters = [...scan.filters, `${field}:>=${second}`, `${field}:<${secondAfter(second)}`];
  const plan = { afterId: null, perPage, filters, seen: 0 };
  const pages = scanByIds(source, plan, options);
  for (;;) {
    const page = await pages.next();
    if (page.done !== true) yield { records: page.value.records, totalEntries: undefined, hasNext: true };
    else if (page.value === 'end') return;
    else return yield* numberedPages(scan, second);
  }
}

/** @throws RepeatedPageError when a page repeats: the rest of the list cannot be read */
async function* numberedPages(
  { source, field, perPage, filters, options }: FieldScan,
  from: string,
): AsyncGenerator<PatientPage> {
  const query = { perPage, filters: [...filters, `${field}:>=${from}`], sort: sortBy(field) };
  const plan = { query, fromPage: 1, recordsBefore: 0, pageSize: null, ahead: () => 0 };
  const pages = scanPages(source, plan, options);
  for (;;) {
    const page = await pages.next();
    if (page.done !== true) yield { records: page.value.records, totalEntries: undefined, hasNext: true };
    else if (page.value === 'end') return;
    else throw repeatedPage();
  }
}

/**
 * Whether no record is in the requested time range: then the scan would never end. A few older records among the others are
 * harmless. Records without `updated_at` may be in scope; records without `archived_at` are not.
 */
function isFilterIgnored(
  { records }: PatientPage,
  times: readonly string[],
  from: string,
  field: ChangeField,
): boolean {
  if (times.length === 0) return field === 'archived_at' && records.length > 0;
  return times.every((time) => time < from);
}

/** The filter on `updated_at` is documented. The filter on `archived_at` is not, so it may be ignored. */
function refuseIgnored(field: ChangeField): void {
  if (field === 'updated_at') throw new IgnoredFilterError(unusablePage('unfiltered'));
}

function isAscending(times: readonly string[]): boolean {
  return times.every((time, index) => index === 0 || (times[index - 1] ?? '') <= time);
}

function timesOf({ records }: PatientPage, field: ChangeField): string[] {
  return records.flatMap((record) => changedAt(record, field) ?? []);
}

/** In Cliniko's format: whole seconds with a literal Z. Undefined: the record has no such time. */
export function changedAt(record: ClinikoRecord, field: ChangeField): string | undefined {
  const time = record.timeOf(field);
  return time === undefined ? undefined : `${time.slice(0, 19)}Z`;
}

function secondAfter(second: string): string {
  return `${new Date(Date.parse(second) + 1_000).toISOString().slice(0, 19)}Z`;
}
