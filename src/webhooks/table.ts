/** Endpoints of organizations, and what they are sent: the outbox, which a trigger on `sync_logs` fills (drizzle/). */
import { sql } from 'drizzle-orm';
import { bigint, index, integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { organizationTable } from '../organizations/table.ts';

const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });

export const webhookEndpointTable = pgTable(
  'webhook_endpoints',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    organizationId: integer('organization_id')
      .notNull()
      .references(() => organizationTable.id, { onDelete: 'cascade' }),
    url: text('url').notNull(),
    /** `whsec_…`, sealed: signing needs it in clear. */
    sealedSecret: text('sealed_secret').notNull(),
    events: text('events').array().notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    disabledAt: time('disabled_at'),
  },
  (table) => [index('webhook_endpoints_organization').on(table.organizationId)],
);

export const webhookDeliveryTable = pgTable(
  'webhook_deliveries',
  {
    id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    endpointId: integer('endpoint_id')
      .notNull()
      .references(() => webhookEndpointTable.id, { onDelete: 'cascade' }),
    /** The organization of its endpoint, so that row-level security covers this table too. */
    organizationId: integer('organization_id').notNull(),
    messageId: text('message_id').notNull(),
    event: text('event').notNull(),
    /** Null for `sync.overdue`, which is about no run. */
    syncLogId: integer('sync_log_id'),
    /** The exact bytes of the body: each attempt signs and sends the same. */
    body: text('body').notNull(),
    /** `pending`, `delivered` or `given_up`. */
    state: text('state').notNull().default('pending'),
    attempts: integer('attempts').notNull().default(0),
    /** During an attempt: when another server may consider it lost. */
    nextAttemptAt: time('next_attempt_at').notNull().defaultNow(),
    lastStatus: integer('last_status'),
    lastError: text('last_error'),
    createdAt: time('created_at').notNull().defaultNow(),
    deliveredAt: time('delivered_at'),
  },
  (table) => [
    index('webhook_deliveries_due').on(table.nextAttemptAt).where(sql`state = 'pending'`),
    // Finds the endpoints that have something pending, and the oldest message of each (outbox.ts).
    index('webhook_deliveries_pending')
      .on(table.endpointId, table.nextAttemptAt)
      .where(sql`state = 'pending'`),
    index('webhook_deliveries_newest').on(table.endpointId, table.id),
  ],
);
