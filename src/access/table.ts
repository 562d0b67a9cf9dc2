/** API tokens, and responses stored for repeated requests. No token is stored in clear. */
import { index, integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { Scope } from '../http/principal.ts';

export const apiTokenTable = pgTable('api_tokens', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  name: text('name').notNull(),
  /** SHA-256 in hex. A token has 256 random bits, so a slow hash would add no protection. */
  tokenHash: text('token_hash').notNull().unique(),
  scope: text('scope').$type<Scope>().notNull(),
  /** Null: every organization. */
  organizations: integer('organizations').array(),
  createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  expiresAt: timestamp('expires_at', { withTimezone: true, mode: 'string' }),
  revokedAt: timestamp('revoked_at', { withTimezone: true, mode: 'string' }),
});

/** The first response to each `Idempotency-Key`, kept for a day. */
export const idempotencyTable = pgTable(
  'idempotency_keys',
  {
    /** SHA-256 in hex of the principal and its key. */
    keyHash: text('key_hash').primaryKey(),
    /** SHA-256 in hex of method, path and body: the same key with another request is a client error. */
    requestHash: text('request_hash').notNull(),
    /** Null while the first request is being answered. */
    status: integer('status'),
    contentType: text('content_type'),
    body: text('body'),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [index('idempotency_keys_age').on(table.createdAt)],
);
