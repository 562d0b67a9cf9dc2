import { hash } from 'node:crypto';
import { ClinikoError } from '../../cliniko/error.ts';
import { readId } from '../../cliniko/wire.ts';

/** A list that gives the same page again instead of the rest: it cannot be read to its end. */
export class RepeatedPageError extends ClinikoError {}

export const repeatedPage = () => new RepeatedPageError({ kind: 'unreadable', status: 200 });

/**
 * Notices a page that one list gives a second time, however many pages are in between.
 *
 * @returns call it with the records of each page; true when they were given before
 */
export function createRepeatGuard(): (records: readonly unknown[]) => boolean {
  const given = new Set<string>();
  return (records) => {
    if (records.length === 0) return false;
    const ids = records.flatMap((record) => readId(record) ?? []).join();
    const page = hash('sha256', ids === '' ? JSON.stringify(records) : ids);
    if (given.has(page)) return true;
    given.add(page);
    return false;
  };
}
