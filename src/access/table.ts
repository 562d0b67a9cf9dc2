/** API tokens, sign-in links, identities and browser sessions, and responses stored for repeated requests. No secret is stored in clear. */
import { boolean, customType, index, integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { time } from '../database/time-column.ts';
import type { Scope } from '../http/principal.ts';

const oid = customType<{ data: number }>({ dataType: () => 'oid' });

export const apiTokenTable = pgTable('api_tokens', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  name: text('name').notNull(),
  /** SHA-256 in hex. A token has 256 random bits, so a slow hash would add no protection. */
  tokenHash: text('token_hash').notNull().unique(),
  scope: text('scope').$type<Scope>().notNull(),
  /** Null: every organization. */
  organizations: integer('organizations').array(),
  createdAt: time('created_at').notNull().defaultNow(),
  expiresAt: time('expires_at'),
  revokedAt: time('revoked_at'),
});

/** One-time links: each opens one session for the account of an API token (sign-in-links.ts). */
export const signInLinkTable = pgTable(
  'sign_in_links',
  {
    /** SHA-256 in hex of the code, which has 256 random bits. */
    codeHash: text('code_hash').primaryKey(),
    tokenId: integer('token_id')
      .notNull()
      .references(() => apiTokenTable.id, { onDelete: 'cascade' }),
    createdAt: time('created_at').notNull().defaultNow(),
    expiresAt: time('expires_at').notNull(),
    /** Null until it has opened its session. */
    usedAt: time('used_at'),
  },
  (table) => [index('sign_in_links_age').on(table.expiresAt)],
);

/** The people of the identity provider who may use an account (identities.ts). */
export const identityTable = pgTable(
  'sign_in_identities',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    tokenId: integer('token_id')
      .notNull()
      .references(() => apiTokenTable.id, { onDelete: 'cascade' }),
    /** In lower case. An entry has either this or `wantedSubject`. */
    email: text('email').unique(),
    wantedSubject: text('wanted_subject').unique(),
    /** The identity that the entry is tied to; null before the first sign-in. */
    issuer: text('issuer'),
    subject: text('subject'),
    createdAt: time('created_at').notNull().defaultNow(),
  },
  (table) => [uniqueIndex('sign_in_identities_person').on(table.issuer, table.subject)],
);

/** People who are signed in on a device (browser-sessions.ts). The end of a session deletes its row. */
export const browserSessionTable = pgTable(
  'browser_sessions',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    /** SHA-256 in hex of the cookie's value, which has 256 random bits. */
    secretHash: text('secret_hash').notNull().unique(),
    tokenId: integer('token_id')
      .notNull()
      .references(() => apiTokenTable.id, { onDelete: 'cascade' }),
    /** Of a sign-in at the identity provider; null: of a sign-in link. */
    identityId: integer('identity_id').references(() => identityTable.id, { onDelete: 'cascade' }),
    createdAt: time('created_at').notNull().defaultNow(),
    renewedAt: time('renewed_at').notNull().defaultNow(),
    expiresAt: time('expires_at').notNull(),
  },
  (table) => [
    index('browser_sessions_account').on(table.tokenId),
    index('browser_sessions_age').on(table.expiresAt),
    index('browser_sessions_identity').on(table.identityId),
  ],
);

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
    createdAt: time('created_at').notNull().defaultNow(),
  },
  (table) => [index('idempotency_keys_age').on(table.createdAt)],
);

/** Login roles of the database that only read, each some organizations (sql-readers.ts). */
export const sqlReaderTable = pgTable('sql_readers', {
  roleName: text('role_name').primaryKey(),
  /** After a restore in another cluster, another role may have the name. It has no rights. */
  roleOid: oid('role_oid').notNull(),
  organizations: integer('organizations').array().notNull(),
  /** Whether it reads `patients.raw`. */
  raw: boolean('raw').notNull(),
  /** Whether it reads the view `patient_identifiers`. */
  identifiers: boolean('identifiers').notNull(),
  createdAt: time('created_at').notNull().defaultNow(),
  expiresAt: time('expires_at').notNull(),
});
