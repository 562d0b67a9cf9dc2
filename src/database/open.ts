/** The connection to PostgreSQL: one pool with two query interfaces. */
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { Sql, TransactionSql } from 'postgres';
import { connect, THROUGH_POOLER, toWritable } from './driver.ts';
import { pinSession, sessionSettings } from './session.ts';

export type Tx = TransactionSql;

export interface Database {
  /**
   * For set-based statements. drizzle changes this client (decision 3): times come back as text,
   * and JSON is passed as `${JSON.stringify(value)}::text::jsonb`.
   */
  sql: Sql;
  /** For simple reads and writes of a table. */
  orm: PostgresJsDatabase;
  close(): Promise<void>;
}

/**
 * A connection whose packets are dropped looks open for a quarter of an hour, and everything behind its first unanswered
 * statement waits as long. None of our statements needs as long as this limit: large writes run in portions.
 */
const ANSWER_LIMIT_MS = 40_000;

/**
 * A lock that another session holds must not block the whole pool. A pooler rejects the parameter; there only the limit
 * above applies.
 */
const LOCK_LIMIT_MS = 10_000;

export interface OpenOptions {
  /** How long a statement waits for the next byte of its answer. Default: 40 s. */
  answerLimitMs?: number;
  /** The maximum number of connections. */
  max?: number;
  /** Sends what a pooler accepts: `THROUGH_POOLER`. */
  throughPooler?: boolean;
  /** Of the address (`pinSession`). Default: not through a pooler. */
  takesParameters?: boolean;
}

/** Connects lazily: the first statement throws when the database is unreachable. */
export function openDatabase(url: string, options: OpenOptions = {}): Database {
  const { throughPooler = false, takesParameters = !throughPooler } = options;
  const sql = connect(url, {
    ...toWritable(url),
    max: options.max ?? 10,
    ...(throughPooler && THROUGH_POOLER),
    connect_timeout: 10,
    answer_timeout: (options.answerLimitMs ?? ANSWER_LIMIT_MS) / 1_000,
    connection: {
      application_name: 'patient-sync',
      ...sessionSettings({ takesParameters }),
      ...(!throughPooler && { lock_timeout: LOCK_LIMIT_MS }),
    },
  });
  // The caller runs no more statements. A connection that the server cut could wait without a limit, so the close has one.
  return { sql, orm: drizzle(sql), close: () => sql.end({ timeout: 1 }) };
}

/**
 * For a command: pins the settings of its sessions first, as a server does at its start. Without them the default
 * `search_path` of the role would lead to tables of another program.
 *
 * @throws SessionSettingsError, PostgresError
 */
export async function openPinned(url: string, options: OpenOptions): Promise<Database> {
  return openDatabase(url, { ...options, throughPooler: true, takesParameters: await pinSession(url) });
}
