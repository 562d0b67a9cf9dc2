/** Short digests stand for texts and records: a run delivers more than fits into memory. */
import { createHash } from 'node:crypto';

export function digestOf(text: string): string {
  return createHash('md5').update(text).digest('base64url').slice(0, 16);
}

/** Equal for records that differ only in the order of their keys, as `jsonb` stores them. */
export function digestOfRecord(record: unknown): string {
  return digestOf(JSON.stringify(sorted(record)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
