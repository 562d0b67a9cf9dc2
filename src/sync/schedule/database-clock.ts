import type { ISql } from 'postgres';

/** @param now for tests; default: the clock of the database */
export const clockOf = (sql: ISql, now: Date | undefined) =>
  sql`coalesce(${now?.toISOString() ?? null}::timestamptz, clock_timestamp())`;
