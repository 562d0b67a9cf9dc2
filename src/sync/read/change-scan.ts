/**
 * The change scan: what changed since a moment, in the order of `updated_at`, which no edit can shift.
 *
 * Paging by number would lose patients: one that is edited during the scan jumps to the end, and the first of the next page
 * moves up unseen. So each step asks for what changed since the last change it saw, and always takes the first page. Where a
 * whole page shares one second, the patients of that second are read by id, which no edit can shift either.
 *
 * Numbered pages are used only where Cliniko keeps neither the order nor the conditions that this needs.
 */
import { ClinikoError } from '../../cliniko/error.ts';
import type { PageOptions, PatientPage, PatientSource } from '../../cliniko/source.ts';
import { readTime } from '../../cliniko/wire.ts';
import { scanByIds } from './keyset-scan.ts';
import { createListEnd } from './list-end.ts';
import { scanPages } from './page-scan.ts';
import { repeatedPage } from './repeated-page-guard.ts';

/** An answer with none of the patients who were asked for. What it lacks is not known: it is not the end of the data. */
export class IgnoredFilterError extends ClinikoError {}

type ChangeField = 'updated_at' | 'archived_at';

export interface ChangeScope {
  /** Which patients are meant: `archived_at:*`, or `archived_at:!?` for active patients only. */
  filter: string;
  /** The times that tell of a change. */
  fields: readonly ChangeField[];
}

export interface ChangeScanOptions extends ChangeScope {
  /** ISO 8601 UTC, whole seconds. */
  since: string;
  perPage: number;
}

/** @throws IgnoredFilterError, RepeatedPageError, ClinikoError, or the signal's reason */
export async function* scanChanges(
  source: PatientSource,
  plan: ChangeScanOptions,
  options: PageOptions,
): AsyncGenerator<PatientPage> {
  const scans = plan.fields.map((field) => {
    const pages = scanField(source, plan, field, options);
    // Asked for at once: mostly the first pages are the only ones.
    const first = pages.next();
    first.catch(() => {}); // Awaited below, unless another one fails before.
    return { first, pages };
  });
  for (const { first, pages } of scans) {
    const page = await first;
    if (page.done === true) continue;
    yield page.value;
    yield* pages;
  }
}

/** What to ask for: one field's changes, of those who are meant. */
interface FieldScan {
  source: PatientSource;
  field: ChangeField;
  perPage: number;
  /** The conditions that hold throughout. */
  filters: readonly string[];
  options: PageOptions;
}

async function* scanField(
  source: PatientSource,
  { filter, since, perPage }: ChangeScanOptions,
  field: ChangeField,
  options: PageOptions,
): AsyncGenerator<PatientPage> {
  // A condition on `archived_at` finds archived patients by itself.
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
    if (end.passed(page) === 0) return;
    const last = times.at(-1);
    if (last === undefined || !isAscending(times)) return yield* numberedPages(scan, from);
    if (last > from) from = last;
    else {
      yield* scanSecond(scan, from);
      // What the total promised has been read.
      [from, end] = [secondAfter(from), createListEnd(beginning)];
    }
  }
}

const sortBy = (field: ChangeField) => `${field}:asc,id:asc`;

/** Everything of one second, by id. */
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

/** @throws RepeatedPageError when they come again: what is left of the list cannot be read */
async function* numberedPages(
  { source, field, perPage, filters, options }: FieldScan,
  from: string,
): AsyncGenerator<PatientPage> {
  const query = { perPage, filters: [...filters, `${field}:>=${from}`], sort: sortBy(field) };
  const plan = { query, fromPage: 1, recordsBefore: 0, pageSize: null, window: 1 };
  const pages = scanPages(source, plan, options);
  for (;;) {
    const page = await pages.next();
    if (page.done !== true) yield { records: page.value.records, totalEntries: undefined, hasNext: true };
    else if (page.value === 'end') return;
    else throw repeatedPage();
  }
}

/**
 * Whether not one record is of the time that was asked for: there would be no end to it. A few older ones beside the others
 * do no harm. Records without `updated_at` may be meant; those without `archived_at` are not.
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

/** It is not certain that Cliniko can be asked for archivals; that it can be for changes is documented. */
function refuseIgnored(field: ChangeField): void {
  if (field === 'updated_at') throw new IgnoredFilterError({ kind: 'unreadable', status: 200 });
}

function isAscending(times: readonly string[]): boolean {
  return times.every((time, index) => index === 0 || (times[index - 1] ?? '') <= time);
}

/** Of those records that have one: in Cliniko's own form, whole seconds with a literal Z. */
function timesOf({ records }: PatientPage, field: ChangeField): string[] {
  return records.flatMap((record) => {
    const time = readTime(record, field);
    return time === undefined ? [] : [`${time.slice(0, 19)}Z`];
  });
}

function secondAfter(second: string): string {
  return `${new Date(Date.parse(second) + 1_000).toISOString().slice(0, 19)}Z`;
}
