/**
 * A round: all patients once more, in the order of their ids, each page asking for those behind the last one seen.
 *
 * No edit, no new patient and no delete can move anybody past the reader, so whoever was there all the time is seen.
 * It is slower than numbered pages, one request after the other: only for a clinic that changed under the walk.
 */
import { ClinikoError } from '../cliniko/error.ts';
import type { PageOptions, PatientPage, PatientSource } from '../cliniko/source.ts';
import { readId } from '../cliniko/wire.ts';

export interface RoundPlan {
  round: number;
  /** Go on behind this id; null: from the beginning. */
  afterId: string | null;
  perPage: number;
  filters: readonly string[];
  /** Patients whom the run has met: then nobody at all is no answer. */
  met: number;
}

export interface RoundPage {
  round: number;
  records: readonly unknown[];
  /** The last id of the page. */
  afterId: string | null;
  /** How many there were from this page on, itself included; null when it is unknown. */
  left: number | null;
}

/** @throws ClinikoError, or the signal's reason */
export async function* walkRound(
  source: PatientSource,
  { round, afterId, perPage, filters, met }: RoundPlan,
  options: PageOptions,
): AsyncGenerator<RoundPage> {
  for (let after = afterId; ; ) {
    const asked = after === null ? filters : [...filters, `id:>${after}`];
    const page = await source.page({ page: 1, perPage, filters: asked, sort: 'id:asc' }, options);
    const more = page.hasNext || leavesMore(page, perPage);
    const vanished = after === null && met > 0;
    if (page.records.length === 0 && (more || vanished))
      throw new ClinikoError({ kind: 'unreadable', status: 200 });
    const last = lastInOrder(after, page);
    if (last === undefined) {
      // The order or the filter was not kept. To go on might turn in a circle; not to know the total proves nothing.
      yield { round, records: page.records, afterId: after, left: null };
      return;
    }
    after = last;
    yield { round, records: page.records, afterId: last, left: page.totalEntries ?? null };
    if (!more) return;
  }
}

/** Without a word from Cliniko a full page may not be the last one. */
function leavesMore({ totalEntries, records }: PatientPage, perPage: number): boolean {
  return totalEntries === undefined ? records.length >= perPage : totalEntries > records.length;
}

/** @returns undefined when the ids do not grow from `after` on */
function lastInOrder(after: string | null, { records }: PatientPage): string | null | undefined {
  let last = after;
  for (const record of records) {
    const id = readId(record);
    if (id === undefined || (last !== null && BigInt(id) <= BigInt(last))) return undefined;
    last = id;
  }
  return last;
}
