/**
 * Clinics, and their Cliniko keys. A key is stored sealed (encryption/sealer.ts), and only the code that calls Cliniko opens
 * it.
 */
import { sql } from 'drizzle-orm';
import { boolean, index, integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { Schedule, ValidationPolicy } from '#contract/organization.ts';

export const organizationTable = pgTable(
  'organizations',
  {
    id: integer('id').primaryKey(),
    name: text('name'),
    country: text('country').notNull(),
    timeZone: text('time_zone').notNull(),
    schedule: jsonb('schedule').$type<Schedule>(),
    /**
     * When the schedule starts the next sync, including the random delay. The server that starts it sets the next time in
     * the same transaction.
     */
    nextSyncAt: timestamp('next_sync_at', { withTimezone: true, mode: 'string' }),
    validation: jsonb('validation').$type<ValidationPolicy>().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    updatedAt: timestamp('updated_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [index('organizations_due').on(table.nextSyncAt).where(sql`next_sync_at is not null`)],
);

export const credentialsTable = pgTable('cliniko_credentials', {
  organizationId: integer('organization_id')
    .primaryKey()
    .references(() => organizationTable.id, { onDelete: 'cascade' }),
  /** `<version>.<key id>.<nonce>.<ciphertext>.<tag>`, see encryption/sealer.ts. */
  sealedApiKey: text('sealed_api_key').notNull(),
  /** The host of the account's pages in Cliniko; null until Cliniko named it for this key (account-address.ts). */
  accountHost: text('account_host'),
  updatedAt: timestamp('updated_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});

/** The key that seals the data of this database: one row, written by the first start (key-fingerprint.ts). */
export const sealingKeyTable = pgTable('sealing_key', {
  singleton: boolean('singleton').primaryKey().default(true),
  keyId: text('key_id').notNull(),
});
