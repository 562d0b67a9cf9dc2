/** Asks Cliniko for exactly these patients, archived ones included. */
import type { PageOptions, PatientSource } from '../cliniko/source.ts';
import { readId } from '../cliniko/wire.ts';

/** Cliniko hides archived patients, unless it is asked for them. */
export const WITH_ARCHIVED = 'archived_at:*';

/** Cliniko's longest list of ids is not known; its makers advise lists like this one. */
export const IDS_AT_ONCE = 50;

/**
 * @param ids at most `IDS_AT_ONCE`
 * @returns the records of those whom Cliniko has, and of nobody else, whatever it answers
 * @throws ClinikoError, or the signal's reason
 */
export async function fetchByIds(
  source: PatientSource,
  ids: readonly string[],
  options: PageOptions,
): Promise<readonly unknown[]> {
  const filters = [WITH_ARCHIVED, `id:=${ids.join(',')}`];
  const page = await source.page({ page: 1, perPage: IDS_AT_ONCE, filters, sort: 'id:asc' }, options);
  const asked = new Set(ids);
  return page.records.filter((record) => asked.has(readId(record) ?? ''));
}
