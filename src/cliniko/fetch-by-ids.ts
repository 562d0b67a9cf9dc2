/** Requests patients by id, including archived ones. */
import { isRequestRefused } from './error.ts';
import type { ClinikoRecord } from './record.ts';
import type { PatientPage, PatientSource, RequestOptions } from './source.ts';

/** Without this filter Cliniko omits archived patients. */
export const WITH_ARCHIVED = 'archived_at:*';

/** Cliniko's maximum is not documented; Cliniko recommends lists of about this length. */
export const IDS_AT_ONCE = 50;

export interface FetchedByIds {
  /** Records of the requested patients that Cliniko has. Records that were not requested are dropped. */
  records: readonly ClinikoRecord[];
  /** Ids that Cliniko neither returned nor confirmed to be absent: nothing is known about them. */
  unanswered: readonly string[];
}

/**
 * A list that Cliniko refuses is divided: it may be too long, or contain an id that Cliniko cannot have, such as one that another
 * program has stored.
 *
 * @param ids at most `IDS_AT_ONCE`
 * @throws ClinikoError, or the signal's reason
 */
export async function fetchByIds(
  source: PatientSource,
  ids: readonly string[],
  options: RequestOptions,
): Promise<FetchedByIds> {
  try {
    return await fetchList(source, ids, options);
  } catch (error) {
    if (!isRequestRefused(error)) throw error;
    if (ids.length === 1) return { records: [], unanswered: ids };
    const middle = Math.ceil(ids.length / 2);
    const first = await fetchByIds(source, ids.slice(0, middle), options);
    const second = await fetchByIds(source, ids.slice(middle), options);
    return {
      records: [...first.records, ...second.records],
      unanswered: [...first.unanswered, ...second.unanswered],
    };
  }
}

/**
 * Cliniko may return fewer records than requested, so the remaining ids are requested until a response has no new record.
 * Only a complete response confirms that an id is absent: a response with more pages, or with records that were not
 * requested, proves nothing.
 */
async function fetchList(
  source: PatientSource,
  ids: readonly string[],
  options: RequestOptions,
): Promise<FetchedByIds> {
  const left = new Set(ids);
  const records: ClinikoRecord[] = [];
  while (left.size > 0) {
    const filters = [WITH_ARCHIVED, `id:=${[...left].join(',')}`];
    const page = await source.page({ page: 1, perPage: IDS_AT_ONCE, filters, sort: 'id:asc' }, options);
    const found = page.records.filter((record) => left.has(record.id ?? ''));
    const confirmsAbsence = isWhole(page) && found.length === page.records.length;
    for (const record of found) if (left.delete(record.id ?? '')) records.push(record);
    if (found.length === 0) return { records, unanswered: confirmsAbsence ? [] : [...left] };
  }
  return { records, unanswered: [] };
}

function isWhole({ records, totalEntries, hasNext }: PatientPage): boolean {
  return !hasNext && (totalEntries ?? 0) <= records.length;
}
