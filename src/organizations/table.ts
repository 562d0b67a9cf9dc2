/** Clinics, and their Cliniko keys. The key is sealed (credentials.ts) and never leaves this room in clear. */
import { integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { ValidationPolicy } from '../contract/organization.ts';

export const organizationTable = pgTable('organizations', {
  id: integer('id').primaryKey(),
  name: text('name'),
  country: text('country').notNull(),
  timeZone: text('time_zone').notNull(),
  validation: jsonb('validation').$type<ValidationPolicy>().notNull(),
  createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  updatedAt: timestamp('updated_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});

export const credentialsTable = pgTable('cliniko_credentials', {
  organizationId: integer('organization_id')
    .primaryKey()
    .references(() => organizationTable.id, { onDelete: 'cascade' }),
  /** `<version>.<key id>.<nonce>.<ciphertext>.<tag>`, see credentials.ts. */
  sealedApiKey: text('sealed_api_key').notNull(),
  updatedAt: timestamp('updated_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
