import type { PendingQuery, Row } from 'postgres';

/** A part of a statement, which postgres.js calls a fragment: a condition, a column, a subquery. */
export type Fragment = PendingQuery<Row[]>;
