import type { ISql } from 'postgres';
import type { Fragment } from './fragment.ts';

/** `time`, a column or an expression of type timestamptz, in ISO 8601 with milliseconds, in UTC. */
export const isoTime = (sql: ISql, time: string | Fragment) =>
  sql`to_char(${typeof time === 'string' ? sql(time) : time} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
