/**
 * Splits statements over many rows into portions, so that a time limit for a statement (`statement_timeout`) applies to a
 * portion and does not depend on the size of a clinic. One transaction around the portions keeps them atomic.
 */

/** A portion takes some tens of milliseconds, and well below a second on a slow and busy machine. */
export const ROWS_AT_ONCE = 1_000;

/** @param sorted in the order in which rows are locked */
export function* portions<T>(sorted: readonly T[], size: number = ROWS_AT_ONCE): Generator<T[]> {
  for (let from = 0; from < sorted.length; from += size) yield sorted.slice(from, from + size);
}
