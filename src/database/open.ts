/** The connection to PostgreSQL. One pool, two ways to speak to it. */
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { Sql, TransactionSql } from 'postgres';
import { connect, toWritable } from './driver.ts';
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

/**
 * A connection whose packets are dropped on the way looks open for a quarter of an hour, and everything behind its first
 * unanswered statement would wait as long. No statement of ours needs as long: large writes
 * go in portions.
 */
const ANSWER_LIMIT_MS = 40_000;

/** A lock that another session keeps must not hold the whole pool. A pooler refuses the parameter; there the limit above counts. */
const LOCK_LIMIT_MS = 10_000;

export interface OpenOptions {
  /** How long a statement may wait for the next byte of its answer. Default: 40 s. */
  answerLimitMs?: number;
  /** Connections at most. */
  max?: number;
  /** A pooler in transaction mode gives every transaction another session, where a prepared statement is unknown. */
  throughPooler?: boolean;
}

/** Connects lazily: the first statement throws when the database cannot be reached. */
export function openDatabase(url: string, options: OpenOptions = {}): Database {
  const throughPooler = options.throughPooler === true;
  const sql = connect(url, {
    ...toWritable(url),
    max: options.max ?? 10,
    prepare: !throughPooler,
    connect_timeout: 10,
    answer_timeout: (options.answerLimitMs ?? ANSWER_LIMIT_MS) / 1_000,
    connection: {
      application_name: 'patient-sync',
      ...sessionSettings({ throughPooler }),
      ...(!throughPooler && { lock_timeout: LOCK_LIMIT_MS }),
    },
  });
  // Whoever closes it has stopped asking. A connection that the server cut may wait for an answer that never comes.
  return { sql, orm: drizzle(sql), close: () => sql.end({ timeout: 1 }) };
}
