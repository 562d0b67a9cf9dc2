/**
 * Endpoints, what waits to be summarized for them (notices), and what they are sent: the outbox (deliveries). A trigger on
 * `sync_logs` fills the last two (drizzle/).
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
  smallint,
  text,
} from 'drizzle-orm/pg-core';
import type { QuietHours, WebhookKind } from '#contract/webhook-endpoint.ts';
import { time } from '../database/time-column.ts';
import { organizationTable } from '../organizations/table.ts';
import type { Summary } from './summary.ts';

export const webhookEndpointTable = pgTable(
  'webhook_endpoints',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    /** The only organization; null: those of `organizations`. */
    organizationId: integer('organization_id').references(() => organizationTable.id, {
      onDelete: 'cascade',
    }),
    /** Several organizations; null beside a null `organizationId`: all of them. */
    organizations: integer('organizations').array(),
    kind: text('kind').$type<WebhookKind>().notNull().default('standard'),
    /** `mailto:` and the address, of an endpoint of the kind `email`. */
    url: text('url').notNull(),
    /** `whsec_…`, sealed: signing needs it in clear. Every endpoint has one; only the kind `standard` uses it. */
    sealedSecret: text('sealed_secret').notNull(),
    events: text('events').array().notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    disabledAt: time('disabled_at'),
    quietHours: jsonb('quiet_hours').$type<QuietHours>(),
    digest: boolean('digest').notNull().default(false),
    /** Where its reader opens the pages, such as `https://sync.example.com`: links begin with it. */
    address: text('address'),
    /** The receiver limits its rate: no attempt before this time. */
    resumeAt: time('resume_at'),
    /** Since when its attempts end without an answer; null after an answer. */
    silentSince: time('silent_since'),
  },
  (table) => [
    index('webhook_endpoints_organization').on(table.organizationId),
    index('webhook_endpoints_organizations').using('gin', table.organizations),
  ],
);

/** Events for endpoints that get a text, or that get several events in one message (notices.ts). */
export const webhookNoticeTable = pgTable(
  'webhook_notices',
  {
    id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    endpointId: integer('endpoint_id')
      .notNull()
      .references(() => webhookEndpointTable.id, { onDelete: 'cascade' }),
    organizationId: integer('organization_id').notNull(),
    event: text('event').notNull(),
    syncLogId: integer('sync_log_id'),
    /** The message as an endpoint of the kind `standard` gets it. */
    body: text('body').notNull(),
    /** Of Cliniko's answer, of a run that failed with it. */
    httpStatus: smallint('http_status'),
    createdAt: time('created_at').notNull().defaultNow(),
  },
  (table) => [index('webhook_notices_endpoint').on(table.endpointId, table.id)],
);

export const webhookDeliveryTable = pgTable(
  'webhook_deliveries',
  {
    id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    endpointId: integer('endpoint_id')
      .notNull()
      .references(() => webhookEndpointTable.id, { onDelete: 'cascade' }),
    /** The organization that the message is about, so that row-level security covers this table too. */
    organizationId: integer('organization_id'),
    /** Of a message about several. */
    organizations: integer('organizations').array(),
    messageId: text('message_id').notNull(),
    event: text('event').notNull(),
    /** Null for a message that is not about one run. */
    syncLogId: integer('sync_log_id'),
    /** The exact bytes of the body: each attempt signs and sends the same, while the endpoint keeps its kind. */
    body: text('body').notNull(),
    /** The kind that the body is for; null in rows of the previous version: the kind that the endpoint had. */
    kind: text('kind').$type<WebhookKind>(),
    /** What a body for people is made of, so that it can be made again for another kind; null in other rows. */
    summary: jsonb('summary').$type<Summary>(),
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
    // Whether the next changes of patients have to wait (change-messages.ts).
    index('webhook_deliveries_changes')
      .on(table.endpointId, table.organizationId)
      .where(sql`state = 'pending' and event = 'patients.changed'`),
  ],
);

/** Up to which change of its patients an endpoint was sent the changes of an organization. */
export const webhookChangePositionTable = pgTable(
  'webhook_change_positions',
  {
    endpointId: integer('endpoint_id')
      .notNull()
      .references(() => webhookEndpointTable.id, { onDelete: 'cascade' }),
    organizationId: integer('organization_id').notNull(),
    epoch: text('epoch').notNull(),
    seq: bigint('seq', { mode: 'bigint' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.endpointId, table.organizationId] })],
);
