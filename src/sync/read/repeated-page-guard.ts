import { hash } from 'node:crypto';
import { ClinikoError, unusablePage } from '../../cliniko/error.ts';
import type { ClinikoRecord } from '../../cliniko/record.ts';

/** A list returned the same page again instead of the next one: it cannot be read to its end. */
export class RepeatedPageError extends ClinikoError {}

export const repeatedPage = () => new RepeatedPageError(unusablePage('repeated'));

/**
 * Detects a page that a list returns a second time, however many pages are in between.
 *
 * @returns a function to call with the records of each page; true when they were returned before
 */
export function createRepeatGuard(): (records: readonly ClinikoRecord[]) => boolean {
  const given = new Set<string>();
  return (records) => {
    if (records.length === 0) return false;
    const ids = records.flatMap((record) => record.id ?? []).join();
    const page = hash('sha256', ids === '' ? records.map((record) => record.text).join() : ids);
    if (given.has(page)) return true;
    given.add(page);
    return false;
  };
}
