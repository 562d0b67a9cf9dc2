/**
 * Clinics, and their Cliniko keys. A key is stored sealed (encryption/sealer.ts), and only the code that calls Cliniko opens
 * it.
 */
import { sql } from 'drizzle-orm';
import { boolean, index, integer, jsonb, pgTable, smallint, text } from 'drizzle-orm/pg-core';
import type { Schedules, ValidationPolicy } from '#contract/organization.ts';
import type { OperationType } from '#contract/sync-log.ts';
import { time } from '../database/time-column.ts';

export const organizationTable = pgTable(
  'organizations',
  {
    id: integer('id').primaryKey(),
    name: text('name'),
    country: text('country').notNull(),
    timeZone: text('time_zone').notNull(),
    schedule: jsonb('schedule').$type<Schedules>(),
    /**
     * When a schedule starts the next sync, including the random delay; null while paused. The server that starts it sets the
     * next time in the same transaction.
     */
    nextSyncAt: time('next_sync_at'),
    validation: jsonb('validation').$type<ValidationPolicy>().notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    updatedAt: time('updated_at').notNull().defaultNow(),
    /** The next firing of each schedule, in the order of `schedule` (planned-firings.ts); the earliest one is `next_sync_at`. */
    firings: jsonb('firings'),
    /** The longest time between two firings, of the schedule for which it is longest; null: not computed yet. */
    longestIntervalS: integer('longest_interval_s'),
    /** Since when the organization has this schedule. */
    scheduledSince: time('scheduled_since'),
    /** When a firing was due that started late, because no server ran. */
    missedAt: time('missed_at'),
    pausedAt: time('paused_at'),
    pausedReason: text('paused_reason'),
    /** `key`: the server paused it, because Cliniko refuses the key. */
    pausedBy: text('paused_by').$type<'person' | 'key'>(),
    /** The account of that person; null: it has no name. */
    pausedByName: text('paused_by_name'),
    /** Scheduled runs in a row for which Cliniko refused the key. */
    keyRefusals: smallint('key_refusals').notNull().default(0),
    /** When a failed scheduled run is tried again; null: no attempt is planned. */
    retryAt: time('retry_at'),
    /** The failed run. No foreign key: other programs may delete rows of `sync_logs`. */
    retryOf: integer('retry_of'),
    retryType: text('retry_type').$type<OperationType>(),
    /** The number of the planned or newest second attempt; 0 after a success. */
    retryAttempt: smallint('retry_attempt').notNull().default(0),
    /** When the webhook `sync.overdue` was sent; null once the organization is no longer overdue. */
    overdueSentAt: time('overdue_sent_at'),
  },
  (table) => [
    index('organizations_due').on(table.nextSyncAt).where(sql`next_sync_at is not null`),
    index('organizations_retry').on(table.retryAt).where(sql`retry_at is not null`),
  ],
);

/** Whether everything is paused: one row, written by the first pause (pause.ts). */
export const pauseTable = pgTable('sync_pause', {
  singleton: boolean('singleton').primaryKey().default(true),
  paused: boolean('paused').notNull(),
  reason: text('reason'),
  changedAt: time('changed_at').notNull(),
  /** The account of the person who paused or resumed everything; null: it has no name. */
  changedBy: text('changed_by'),
});

export const credentialsTable = pgTable('cliniko_credentials', {
  organizationId: integer('organization_id')
    .primaryKey()
    .references(() => organizationTable.id, { onDelete: 'cascade' }),
  /** `<version>.<key id>.<nonce>.<ciphertext>.<tag>`, see encryption/sealer.ts. */
  sealedApiKey: text('sealed_api_key').notNull(),
  /** The host of the account's pages in Cliniko; null until Cliniko named it for this key (account-address.ts). */
  accountHost: text('account_host'),
  updatedAt: time('updated_at').notNull().defaultNow(),
});

/** The key that seals the data of this database: one row, written by the first start (key-fingerprint.ts). */
export const sealingKeyTable = pgTable('sealing_key', {
  singleton: boolean('singleton').primaryKey().default(true),
  keyId: text('key_id').notNull(),
});
