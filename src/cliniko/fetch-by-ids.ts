/** Asks Cliniko for exactly these patients, archived ones included. */
import type { PageOptions, PatientPage, PatientSource } from './source.ts';
import { readId } from './wire.ts';

/** Cliniko hides archived patients, unless it is asked for them. */
export const WITH_ARCHIVED = 'archived_at:*';

/** Cliniko's longest list of ids is not known; its makers advise lists like this one. */
export const IDS_AT_ONCE = 50;

export interface FetchedByIds {
  /** Of the patients whom Cliniko has. None that was not asked for, whatever it answers. */
  records: readonly unknown[];
  /** Ids that Cliniko neither gave nor denied: of them nothing is known. */
  unanswered: readonly string[];
}

/**
 * Cliniko may answer with fewer records than it was asked for, so what is left is asked for until an answer brings nothing
 * more. Only an answer that is whole denies an id: one with more to come, or with records that were not asked for, proves
 * nothing.
 *
 * @param ids at most `IDS_AT_ONCE`
 * @throws ClinikoError, or the signal's reason
 */
export async function fetchByIds(
  source: PatientSource,
  ids: readonly string[],
  options: PageOptions,
): Promise<FetchedByIds> {
  const left = new Set(ids);
  const records: unknown[] = [];
  while (left.size > 0) {
    const filters = [WITH_ARCHIVED, `id:=${[...left].join(',')}`];
    const page = await source.page({ page: 1, perPage: IDS_AT_ONCE, filters, sort: 'id:asc' }, options);
    const found = page.records.filter((record) => left.has(readId(record) ?? ''));
    const denies = isWhole(page) && found.length === page.records.length;
    for (const record of found) if (left.delete(readId(record) ?? '')) records.push(record);
    if (found.length === 0) return { records, unanswered: denies ? [] : [...left] };
  }
  return { records, unanswered: [] };
}

function isWhole({ records, totalEntries, hasNext }: PatientPage): boolean {
  return !hasNext && (totalEntries ?? 0) <= records.length;
}
