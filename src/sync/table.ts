/** The engine's own record of a run, 1:1 with its row in `sync_logs`: who works on it, until when, and how far it is. */
import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { OperationType } from '#contract/sync-log.ts';

/** No foreign key to `sync_logs`: other programs may delete or truncate there, and must not be refused. */
export const syncRunTable = pgTable(
  'sync_runs',
  {
    syncLogId: integer('sync_log_id').primaryKey(),
    organizationId: integer('organization_id').notNull(),
    operationType: text('operation_type').$type<OperationType>().notNull(),
    /** The worker that holds the lease; null while the run waits for one. */
    owner: text('owner'),
    /** Grows with every claim. A worker whose epoch is not the newest writes nothing. */
    leaseEpoch: integer('lease_epoch').notNull().default(0),
    /** By the database's clock. */
    leaseExpiresAt: timestamp('lease_expires_at', { withTimezone: true, mode: 'string' }),
    attempt: integer('attempt').notNull().default(0),
    /** Claims in a row after which nothing was stored: a run that ends every worker must not be taken up for ever. */
    fruitlessClaims: integer('fruitless_claims').notNull().default(0),
    /** A RunState (run-state.ts); null until something was stored. Commits with the rows it speaks of. */
    checkpoint: jsonb('checkpoint'),
    /** Set by whichever server was asked; the owner ends the run, or else the server that was asked does. */
    cancelRequestedAt: timestamp('cancel_requested_at', { withTimezone: true, mode: 'string' }),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    endedAt: timestamp('ended_at', { withTimezone: true, mode: 'string' }),
  },
  (table) => [index('sync_runs_open').on(table.createdAt).where(sql`ended_at is null`)],
);

/** The ids a run has seen, one row a batch, so that a patient counts once also after a resume. Emptied at the run's end. */
export const syncSeenTable = pgTable(
  'sync_seen',
  {
    syncLogId: integer('sync_log_id').notNull(),
    clinikoPatientIds: text('cliniko_patient_ids').array().notNull(),
  },
  (table) => [index('sync_seen_run').on(table.syncLogId)],
);
