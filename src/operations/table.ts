/** Bulk operations, and the organizations that each one acts on. */
import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import type { BulkOperation, OperationAction } from '#contract/bulk-operation.ts';
import type { OperationType, SyncTrigger } from '#contract/sync-log.ts';
import { time } from '../database/time-column.ts';

export const bulkOperationTable = pgTable(
  'bulk_operations',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    action: text('action').$type<OperationAction>().notNull(),
    /** Of `start`. */
    operationType: text('operation_type').$type<OperationType>(),
    /** Of `pause`. */
    reason: text('reason'),
    /** The account that created it, as in the audit log. */
    actor: text('actor').notNull(),
    /** Of the runs that it starts. */
    trigger: jsonb('trigger').$type<SyncTrigger>().notNull(),
    status: text('status').$type<BulkOperation['status']>().notNull().default('running'),
    matched: integer('matched').notNull().default(0),
    /** SHA-256 in hex of the account, its `Idempotency-Key` and the body; null without a key, and after a day. */
    repeatHash: text('repeat_hash').unique(),
    createdAt: time('created_at').notNull().defaultNow(),
    completedAt: time('completed_at'),
  },
  (table) => [index('bulk_operations_running').on(table.id).where(sql`status = 'running'`)],
);

/**
 * The outcome is stored in the transaction that acts on the organization, so each is acted on at most once. No foreign key to
 * `organizations`: an organization that is deleted in between is skipped.
 */
export const bulkOperationTargetTable = pgTable(
  'bulk_operation_targets',
  {
    operationId: integer('operation_id')
      .notNull()
      .references(() => bulkOperationTable.id, { onDelete: 'cascade' }),
    organizationId: integer('organization_id').notNull(),
    /** Null: the operation has not reached it. */
    outcome: text('outcome').$type<'done' | 'skipped' | 'failed'>(),
  },
  (table) => [
    primaryKey({ columns: [table.operationId, table.organizationId] }),
    index('bulk_operation_targets_open')
      .on(table.operationId, table.organizationId)
      .where(sql`outcome is null`),
  ],
);
