/**
 * The keyset scan reads all patients of a list in the order of their ids. Each request asks for the ids after the last one.
 *
 * No edit, new patient or delete can move a patient to a page that was already read, so every patient that exists during the
 * whole scan is seen. It is slower than numbered pages, because it sends one request at a time. It is used for a clinic that
 * changed during the page scan, for a list whose numbered pages repeat, and for many changes within one second.
 */
import { ClinikoError, unusablePage } from '../../cliniko/error.ts';
import type { ClinikoRecord } from '../../cliniko/record.ts';
import type { PatientPage, PatientSource, RequestOptions } from '../../cliniko/source.ts';
import { createListEnd, type ListEnding, OUTAGE_FROM } from './list-end.ts';

export interface KeysetScanOptions {
  /** Continue after this id; null: from the start. */
  afterId: string | null;
  perPage: number;
  filters: readonly string[];
  /** Patients of this list that the run has already seen. From `OUTAGE_FROM` on, an empty list is an error. */
  seen: number;
}

export interface KeysetPage {
  records: readonly ClinikoRecord[];
  /** The last id of the page. */
  afterId: string | null;
  /** Records from this page on, this page included; null when unknown. */
  left: number | null;
}

/**
 * @returns `repeated` when the ids did not increase: Cliniko ignored the sort or the filter, so the scan might never end
 * @throws ClinikoError, or the signal's reason
 */
export async function* scanByIds(
  source: PatientSource,
  { afterId, perPage, filters, seen }: KeysetScanOptions,
  options: RequestOptions,
): AsyncGenerator<KeysetPage, ListEnding> {
  const mayBeEmpty = seen < OUTAGE_FROM;
  const end = createListEnd({
    isBeginning: afterId === null,
    mayBeEmpty,
    size: null,
    perPage,
    read: 0,
    totalOf: 'rest',
  });
  for (let after = afterId; ; ) {
    const asked = after === null ? filters : [...filters, `id:>${after}`];
    const ask = () => source.page({ page: 1, perPage, filters: asked, sort: 'id:asc' }, options);
    const page = await end.confirm(await ask(), ask);
    if (page.records.length === 0 && after === null && !mayBeEmpty)
      throw new ClinikoError(unusablePage('empty'));
    const last = lastInOrder(after, page);
    if (last === undefined) {
      // An unknown total proves nothing.
      yield { records: page.records, afterId: after, left: null };
      return 'repeated';
    }
    // A few patients that were seen may be deleted by now, but an empty list does not prove it.
    const provesNothing = page.records.length === 0 && after === null && seen > 0;
    after = last;
    yield { records: page.records, afterId: last, left: provesNothing ? null : (page.totalEntries ?? null) };
    if (end.passed(page).requests === 0) return 'end';
  }
}

/**
 * Records without an id are ignored: the next request continues after those that have one.
 *
 * @returns undefined when the ids do not increase from `after` on, or no record has one
 */
function lastInOrder(after: string | null, { records }: PatientPage): string | null | undefined {
  let last = after;
  for (const { id } of records) {
    if (id === undefined) continue;
    if (last !== null && BigInt(id) <= BigInt(last)) return undefined;
    last = id;
  }
  return records.length > 0 && last === after ? undefined : last;
}
