import { hash } from 'node:crypto';
import { ClinikoError } from '../cliniko/error.ts';
import { readId } from '../cliniko/wire.ts';

/**
 * Notices a source that gives a page again, however many are in between: there would be no end to it.
 *
 * @returns call it with the records of each page of one list. @throws ClinikoError when they were given before
 */
export function createRepeatGuard(): (records: readonly unknown[]) => void {
  const given = new Set<string>();
  return (records) => {
    if (records.length === 0) return;
    const ids = records.flatMap((record) => readId(record) ?? []).join();
    const page = hash('sha256', ids === '' ? JSON.stringify(records) : ids);
    if (given.has(page)) throw new ClinikoError({ kind: 'unreadable', status: 200 });
    given.add(page);
  };
}
