/** The engine's own record of a run, 1:1 with its row in `sync_logs`: its owner, the lease, the checkpoint. */
import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core';
import type { OperationType } from '#contract/sync-log.ts';
import { time } from '../database/time-column.ts';

/** No foreign key to `sync_logs`: other programs may delete or truncate there, and a foreign key would reject that. */
export const syncRunTable = pgTable(
  'sync_runs',
  {
    syncLogId: integer('sync_log_id').primaryKey(),
    organizationId: integer('organization_id').notNull(),
    operationType: text('operation_type').$type<OperationType>().notNull(),
    /** The worker that holds the lease; null while the run waits for one. */
    owner: text('owner'),
    /** Incremented by every claim. A worker with an older epoch writes nothing. */
    leaseEpoch: integer('lease_epoch').notNull().default(0),
    /** By the database's clock. */
    leaseExpiresAt: time('lease_expires_at'),
    attempt: integer('attempt').notNull().default(0),
    /**
     * Consecutive claims; a run that crashes every worker must not be claimed forever. The column keeps its name of version 0.1,
     * whose servers work beside this one during an upgrade.
     */
    claimsWithoutProgress: integer('fruitless_claims').notNull().default(0),
    /** A RunState (run-state.ts); null until the first write. Commits with the rows that it counts. */
    checkpoint: jsonb('checkpoint'),
    /** Set by the server that got the request. The owner ends the run; if it does not, that server does. */
    cancelRequestedAt: time('cancel_requested_at'),
    createdAt: time('created_at').notNull().defaultNow(),
    endedAt: time('ended_at'),
  },
  (table) => [
    index('sync_runs_open').on(table.createdAt).where(sql`ended_at is null`),
    // For erasures. No condition on the checkpoint: each batch would have to write all indexes.
    index('sync_runs_of_organization').on(table.organizationId),
    // For the end of their retention.
    index('sync_runs_ended').on(table.endedAt).where(sql`ended_at is not null`),
  ],
);

/** The ids a run has seen, one row per batch, so that a patient counts once even after a resume. Deleted at the run's end. */
export const syncSeenTable = pgTable(
  'sync_seen',
  {
    syncLogId: integer('sync_log_id').notNull(),
    clinikoPatientIds: text('cliniko_patient_ids').array().notNull(),
  },
  (table) => [index('sync_seen_run').on(table.syncLogId)],
);
