/** What was changed by hand, by position. Memory grows with the changes and not with the patients. */
import type { PatientRecord } from './person.ts';
import type { Facts } from './timeline.ts';

export interface Change {
  facts?: Partial<Facts>;
  /** Replaces generated values; undefined removes the key. */
  patch?: PatientRecord;
  isGone?: true;
}

export interface Changes {
  at(position: number): Change | undefined;
  /** Adds to earlier changes of the same position. */
  add(position: number, change: Change): void;
  /** How often `add` was called. */
  count(): number;
  /** Whether a change set `created_at`. */
  isRedated(): boolean;
  /** Ascending. */
  positions(): number[];
}

export function createChanges(): Changes {
  const changes = new Map<number, Change>();
  let count = 0;
  let redated = false;
  return {
    at: (position) => changes.get(position),
    add(position, { facts, patch, isGone }) {
      count++;
      redated ||= facts?.createdAt !== undefined;
      const before = changes.get(position) ?? {};
      changes.set(position, {
        ...before,
        ...(facts === undefined ? {} : { facts: { ...before.facts, ...facts } }),
        ...(patch === undefined ? {} : { patch: { ...before.patch, ...patch } }),
        ...(isGone === undefined ? {} : { isGone }),
      });
    },
    count: () => count,
    isRedated: () => redated,
    positions: () => [...changes.keys()].sort((a, b) => a - b),
  };
}
