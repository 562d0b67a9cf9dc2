/**
 * The keyset scan: all patients of a list in the order of their ids, each page asking for those behind the last one seen.
 *
 * No edit, no new patient and no delete can move a patient past the reader, so every patient who was there all the time is
 * seen. It is slower than numbered pages, one request after the other: for a clinic that changed under the page scan, for a
 * list whose numbered pages come again, and for many changes within one second.
 */
import { ClinikoError } from '../../cliniko/error.ts';
import type { PageOptions, PatientPage, PatientSource } from '../../cliniko/source.ts';
import { readId } from '../../cliniko/wire.ts';
import { createListEnd, type ListEnding } from './list-end.ts';

export interface KeysetScanOptions {
  /** Go on behind this id; null: from the beginning. */
  afterId: string | null;
  perPage: number;
  filters: readonly string[];
  /** Patients of this list that the run has seen: then an empty list is no answer. */
  seen: number;
}

export interface KeysetPage {
  records: readonly unknown[];
  /** The last id of the page. */
  afterId: string | null;
  /** How many there were from this page on, itself included; null when it is unknown. */
  left: number | null;
}

/**
 * @returns `repeated` when the ids did not grow: Cliniko did not keep the order or the condition, and to go on might never end
 * @throws ClinikoError, or the signal's reason
 */
export async function* scanByIds(
  source: PatientSource,
  { afterId, perPage, filters, seen }: KeysetScanOptions,
  options: PageOptions,
): AsyncGenerator<KeysetPage, ListEnding> {
  const end = createListEnd({
    isBeginning: afterId === null,
    mayBeEmpty: seen === 0,
    size: null,
    perPage,
    read: 0,
    totalOf: 'rest',
  });
  for (let after = afterId; ; ) {
    const asked = after === null ? filters : [...filters, `id:>${after}`];
    const ask = () => source.page({ page: 1, perPage, filters: asked, sort: 'id:asc' }, options);
    const page = await end.confirm(await ask(), ask);
    if (page.records.length === 0 && after === null && seen > 0)
      throw new ClinikoError({ kind: 'unreadable', status: 200 });
    const last = lastInOrder(after, page);
    if (last === undefined) {
      // Not to know the total proves nothing.
      yield { records: page.records, afterId: after, left: null };
      return 'repeated';
    }
    after = last;
    yield { records: page.records, afterId: last, left: page.totalEntries ?? null };
    if (end.passed(page) === 0) return 'end';
  }
}

/**
 * Records without an id do not count: the next question goes on behind those that have one.
 *
 * @returns undefined when the ids do not grow from `after` on, or none of the records has one
 */
function lastInOrder(after: string | null, { records }: PatientPage): string | null | undefined {
  let last = after;
  for (const record of records) {
    const id = readId(record);
    if (id === undefined) continue;
    if (last !== null && BigInt(id) <= BigInt(last)) return undefined;
    last = id;
  }
  return records.length > 0 && last === after ? undefined : last;
}
