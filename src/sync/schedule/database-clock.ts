import type { ISql } from 'postgres';

/**
 * One value for the statement. `clock_timestamp()` itself may change from row to row, so PostgreSQL would compare it with every row of
 * an index, however few are due.
 *
 * @param now for tests; default: the clock of the database
 */
export const clockOf = (sql: ISql, now: Date | undefined) =>
  sql`(select coalesce(${now?.toISOString() ?? null}::timestamptz, clock_timestamp()))`;
