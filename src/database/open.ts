/** The connection to PostgreSQL. One pool, two ways to speak to it. */
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres, { type Sql, type TransactionSql } from 'postgres';
import { ARRAY_TYPES } from './arrays.ts';
import { sessionSettings } from './session.ts';

export type Tx = TransactionSql;

export interface Database {
  /**
   * For set-based statements. drizzle has changed this client (see stack notes in docs/decisions): times come back
   * as text, and JSON goes in as `${JSON.stringify(value)}::text::jsonb`.
   */
  sql: Sql;
  /** For plain reads and writes of a table. */
  orm: PostgresJsDatabase;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Connections at most. */
  max?: number;
  /** A pooler in transaction mode gives every transaction another session, where a prepared statement is unknown. */
  throughPooler?: boolean;
}

/** Connects lazily: the first statement throws when the database cannot be reached. */
export function openDatabase(url: string, options: OpenOptions = {}): Database {
  const throughPooler = options.throughPooler === true;
  const sql = postgres(url, {
    max: options.max ?? 10,
    prepare: !throughPooler,
    // The default back-off grows to 20 s and outlives an outage by far.
    backoff: () => 0.2,
    connect_timeout: 10,
    connection: { application_name: 'patient-sync', ...sessionSettings({ throughPooler }) },
    fetch_types: false,
    types: ARRAY_TYPES,
    onnotice: () => {},
  });
  // Whoever closes it has stopped asking. A connection that the server cut may wait for an answer that never comes.
  return { sql, orm: drizzle(sql), close: () => sql.end({ timeout: 1 }) };
}
