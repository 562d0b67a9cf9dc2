/**
 * Statements about many rows run in portions, so that a limit for the time of a statement (`statement_timeout`) is about a portion
 * and not about the size of a clinic. A transaction around them keeps what belongs together together.
 */

/** A portion takes some tens of milliseconds, on a slow and busy machine well below a second. */
export const ROWS_AT_ONCE = 1_000;

/** @param sorted in the order in which rows are locked */
export function* portions<T>(sorted: readonly T[], size: number = ROWS_AT_ONCE): Generator<T[]> {
  for (let from = 0; from < sorted.length; from += size) yield sorted.slice(from, from + size);
}
