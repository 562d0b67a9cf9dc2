/**
 * `sync_logs`, the public record of every sync, and the log of its changes.
 *
 * The triggers `sync_logs_append_…` (drizzle/) write one event for every change of `sync_logs`, whatever program makes
 * it, and numbers it from `sync_streams`. Nothing else writes these two tables, so table and stream cannot differ.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  serial,
  text,
  timestamp,
  uniqueIndex,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';

/** Exactly the documented columns: other programs read and write this table. Its times are UTC. */
export const syncLogTable = pgTable(
  'sync_logs',
  {
    id: serial('id').primaryKey(),
    organizationId: integer('organization_id').notNull(),
    operationType: varchar('operation_type', { length: 50 }).notNull(),
    status: varchar('status', { length: 20 }).notNull(),
    startedAt: timestamp('started_at', { mode: 'string' }).notNull(),
    completedAt: timestamp('completed_at', { mode: 'string' }),
    recordsProcessed: integer('records_processed').default(0),
    recordsSuccess: integer('records_success').default(0),
    recordsFailed: integer('records_failed').default(0),
    metadata: jsonb('metadata'),
    errorDetails: text('error_details'),
  },
  (table) => [
    // The database's own promise that an organization never has two runs at once.
    uniqueIndex('sync_logs_one_running').on(table.organizationId).where(sql`status = 'running'`),
    index('sync_logs_newest').on(
      table.organizationId,
      table.startedAt.desc().nullsFirst(),
      table.id.desc().nullsFirst(),
    ),
  ],
);

/** The head of each organization's stream. Its row lock makes `seq` dense and equal to commit order. */
export const syncStreamTable = pgTable('sync_streams', {
  organizationId: integer('organization_id').primaryKey(),
  head: bigint('head', { mode: 'bigint' }).notNull(),
});

/**
 * One row: the era of this history. A server that sees the database go back in time begins another one, when nothing
 * else tells the two apart (see `sync_epoch()` in drizzle/).
 */
export const syncEraTable = pgTable('sync_eras', {
  era: uuid('era').primaryKey().defaultRandom(),
});

/** Partitioned by day of `at` (see drizzle/), so that retention drops whole tables. */
export const syncEventTable = pgTable(
  'sync_events',
  {
    organizationId: integer('organization_id').notNull(),
    seq: bigint('seq', { mode: 'bigint' }).notNull(),
    /** Taken after the stream's lock, so it grows with `seq`. */
    at: timestamp('at', { withTimezone: true, mode: 'string' }).notNull(),
    /** `started`, `progress`, `completed`, `failed`; `snapshot` where a row was deleted. */
    type: text('type').notNull(),
    /** Whether this change made the row. A run whose first known event did not has lost older ones to retention. */
    created: boolean('created').notNull(),
    syncLogId: integer('sync_log_id'),
    /** The row after the change; after a delete the organization's latest row, or null. */
    row: jsonb('row'),
    /** `seq` of that row's own last change: equal to `seq` unless a delete brought it up again. */
    rowSeq: bigint('row_seq', { mode: 'bigint' }),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.seq, table.at] }),
    index('sync_events_run').on(table.syncLogId, table.seq),
  ],
);
