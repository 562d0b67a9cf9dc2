/** Who did what: written once, never changed. Contains ids and counts, no patient data. */
import { bigint, index, integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core';
import { time } from '../database/time-column.ts';

export const auditTable = pgTable(
  'audit_log',
  {
    id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    at: time('at').notNull().defaultNow(),
    /** Null when it concerns no single organization. */
    organizationId: integer('organization_id'),
    /** The actor, as far as the server knows: `anyone` without authentication, `token:7`, `jwt:<sub>`. */
    actor: text('actor').notNull(),
    /** Such as `missing.confirm`. */
    action: text('action').notNull(),
    details: jsonb('details').notNull(),
    /** `X-Request-Id` of the request; null for a command or the server itself. */
    requestId: text('request_id'),
  },
  (table) => [
    index('audit_log_organization').on(table.organizationId, table.id),
    index('audit_log_age').on(table.at),
  ],
);
