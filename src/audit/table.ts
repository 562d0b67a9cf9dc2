/** Who did what: written once, never changed. Holds ids and counts, no patient data. */
import { bigint, index, integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

export const auditTable = pgTable(
  'audit_log',
  {
    id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    at: timestamp('at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    /** Null when it was about no single organization. */
    organizationId: integer('organization_id'),
    /** Who it was, as far as the server knows: `anyone` while nobody has to say so. */
    actor: text('actor').notNull(),
    /** Such as `missing.confirm`. */
    action: text('action').notNull(),
    details: jsonb('details').notNull(),
  },
  (table) => [index('audit_log_organization').on(table.organizationId, table.id)],
);
