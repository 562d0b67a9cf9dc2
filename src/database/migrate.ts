/**
 * Brings a database to the newest schema: the migrations of `drizzle/`, and what other hands took away.
 *
 * Any number of servers may start at once: the first migrates, the others wait for it and find nothing to do.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ISql, Sql } from 'postgres';
import type { Logger } from '../logging/logger.ts';
import { databaseError } from '../logging/safe-error.ts';
import { DatabaseStartError } from './database-failure.ts';
import { connect } from './driver.ts';
import { applyPending, hasJournal } from './migration-journal.ts';
import { assertNothingInTheWay } from './objects-in-the-way.ts';
import { restorePatientUniqueness } from './patient-uniqueness.ts';
import { type SessionSettings, sessionSettings } from './session.ts';

/** Any number, the same in every version of this program. */
const MIGRATION_LOCK = 7_262_001;

export interface MigrateOptions {
  /** It refuses startup parameters (`pinSession`). */
  throughPooler?: boolean;
  logger?: Logger | undefined;
  /** How long to try again while another session, such as a backup, holds a table. Default: 10 minutes. */
  patienceMs?: number;
}

/** A migration takes as long as it takes, whatever limit the role has. */
const NO_LIMIT: SessionSettings = { statement_timeout: '0' };

/**
 * Every other statement on a table waits behind a migration that waits for it. So it waits for a moment, lets the others
 * through, and tries again.
 */
const LOCK_LIMIT_MS = 1_000;
const PAUSE_MS = 2_000;
const PATIENCE_MS = 10 * 60_000;
const BLOCKED = new Set(['55P03', '40P01']);

/**
 * @param url a direct connection or one through a pooler: the lock is held by a transaction, not by a session
 * @throws DatabaseStartError, PostgresError; the migration that failed has changed nothing
 */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<void> {
  const { throughPooler = false, logger, patienceMs = PATIENCE_MS } = options;
  const connection: SessionSettings = {
    ...sessionSettings({ throughPooler }),
    ...(throughPooler ? {} : NO_LIMIT),
  };
  const sql = connect(url, { max: 1, prepare: false, connection });
  const end = Date.now() + patienceMs;
  try {
    while (!(await tryMigrate(sql))) {
      const holder = await readHolder(sql);
      const blocked = `The migration waits for a table that another session holds (${holder}).`;
      if (Date.now() > end) throw new DatabaseStartError(`${blocked} End that session, then start again.`);
      logger?.warn(`${blocked} Trying again; no other statement waits for it.`);
      await delay(PAUSE_MS);
    }
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** @returns false when another session holds a lock that it needs; nothing has changed then */
async function tryMigrate(sql: Sql): Promise<boolean> {
  try {
    // Under a snapshot it would not see what another server's migration has made.
    await sql.begin('isolation level read committed', async (tx) => {
      await tx`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
      await tx.unsafe(`set local lock_timeout = ${LOCK_LIMIT_MS}`);
      await assertNothingInTheWay(tx, !(await hasJournal(tx)));
      await applyPending(tx);
      await restorePatientUniqueness(tx);
    });
    return true;
  } catch (error) {
    if (BLOCKED.has(databaseError(error)?.code ?? '')) return false;
    throw error;
  }
}

/** The oldest transaction that holds a table of this database. */
async function readHolder(sql: ISql): Promise<string> {
  const [holder] = await sql<{ pid: number; name: string }[]>`
    select pid, coalesce(nullif(application_name, ''), backend_type) as name from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
    order by xact_start limit 1`;
  return holder === undefined ? 'it is gone by now' : `${holder.name}, process ${holder.pid}`;
}
