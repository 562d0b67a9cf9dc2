/**
 * `sync_logs`, the public record of every sync, and the log of its changes.
 *
 * The triggers `sync_logs_append_…` (drizzle/) write one event for every change of `sync_logs` by any program, and number
 * it from `sync_streams`. Only they write these two tables, so table and stream cannot differ.
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
import { time } from '../database/time-column.ts';

/** Exactly the documented columns: other programs read and write this table. Times are UTC. */
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
    // Guarantees at most one running row for each organization.
    uniqueIndex('sync_logs_one_running').on(table.organizationId).where(sql`status = 'running'`),
    index('sync_logs_newest').on(
      table.organizationId,
      table.startedAt.desc().nullsFirst(),
      table.id.desc().nullsFirst(),
    ),
    // The runs of all organizations, the newest last.
    index('sync_logs_recent').on(table.startedAt, table.id),
    // These two read a status as the documented one (`sync_status_word()` in drizzle/), whatever word another program wrote.
    index('sync_logs_unended')
      .on(table.organizationId, table.id)
      .where(sql`sync_status_word(status) = 'running'`),
    index('sync_logs_succeeded')
      .on(table.organizationId, sql`(coalesce(completed_at, started_at)) desc`)
      .where(sql`sync_status_word(status) = 'completed'`),
  ],
);

/** The head of each organization's stream. Its row lock makes `seq` dense and equal to commit order. The row outlives the organization. */
export const syncStreamTable = pgTable('sync_streams', {
  organizationId: integer('organization_id').primaryKey(),
  head: bigint('head', { mode: 'bigint' }).notNull(),
  /** When the organization was deleted last (organizations/erased-runs.ts); null: never. */
  erasedAt: time('erased_at'),
});

/**
 * One row: the random part of the epoch. A server that detects a restored database replaces it when the rest of the epoch is
 * unchanged (see `sync_epoch()` in drizzle/).
 */
export const syncEpochSeedTable = pgTable('sync_epoch_seed', {
  seed: uuid('seed').primaryKey().defaultRandom(),
});

/** Partitioned by days of `at` (see drizzle/), so that retention drops whole tables. */
export const syncEventTable = pgTable(
  'sync_events',
  {
    organizationId: integer('organization_id').notNull(),
    seq: bigint('seq', { mode: 'bigint' }).notNull(),
    /** Read while the stream's row is locked, so it grows with `seq`. */
    at: time('at').notNull(),
    /** `started`, `progress`, `completed`, `failed`; `snapshot` where a row was deleted. */
    type: text('type').notNull(),
    /** Whether this change inserted the row. If no event of a run has it, retention has deleted the run's first events. */
    created: boolean('created').notNull(),
    syncLogId: integer('sync_log_id'),
    /** The row after the change; after a delete the organization's latest row, or null. */
    row: jsonb('row'),
    /** `seq` of the last change of `row`: differs from `seq` only after a delete of another row. */
    rowSeq: bigint('row_seq', { mode: 'bigint' }),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.seq, table.at] }),
    index('sync_events_run').on(table.syncLogId, table.seq),
  ],
);
