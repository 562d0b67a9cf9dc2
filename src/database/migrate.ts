/**
 * Migrates a database to the newest schema (`drizzle/`), and revokes the rights of other roles.
 *
 * Any number of servers may start at once: the first one migrates, the others wait for it and have nothing to do.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from 'postgres';
import type { Logger } from '../logging/logger.ts';
import { databaseError } from '../logging/safe-error.ts';
import { type BlockingSession, type BlockingSessionWatch, watchBlockingSession } from './blocking-session.ts';
import { assertNoConflictingObjects } from './conflicting-objects.ts';
import { DatabaseStartError } from './database-failure.ts';
import { withConnection } from './driver.ts';
import { liftLimits } from './lift-limits.ts';
import { isBlockedByLock, lockTables, TablesBusyError } from './lock-tables.ts';
import { withMigrationExplanation } from './migration-failure.ts';
import { applyPending, type Journal, readJournal } from './migration-journal.ts';
import type { Tx } from './open.ts';
import { readOwnObjects } from './own-objects.ts';
import { restorePatientUniqueness } from './patient-uniqueness.ts';
import { type DatabaseRoles, revokeFromOthers } from './revoke-privileges.ts';
import { assertReadersExist, ensureRowSecurityRole, ensureSchemaUsage } from './roles.ts';
import { advanceSequences } from './sequences.ts';
import { sessionSettings } from './session.ts';
import { TABLES_OF_0_1 } from './upgrade-from-0-1.ts';

/** An arbitrary number, the same in every version of this program. */
export const MIGRATION_LOCK = 7_262_001;

export interface MigrateOptions {
  /** Of the address (`pinSession`). Default: true. */
  takesParameters?: boolean | undefined;
  /** The role of the servers, when it is not the role that migrates. */
  server?: string | undefined;
  /** `DATABASE_READERS` */
  readers?: readonly string[];
  logger?: Logger | undefined;
  /** Whether tables of an older version become those of this one; otherwise they are an error. Default: true. */
  upgrades?: boolean;
  /** How long to retry while another session, such as a backup, holds a table. Default: 10 minutes. */
  patienceMs?: number;
}

/**
 * A migration that waits for a table blocks every other statement on it. So it waits for a short time, lets the others run,
 * and tries again. The time is less than `deadlock_timeout` (1 s): a request that waits for the migration is not ended, and
 * continues.
 */
const LOCK_LIMIT_MS = 700;
const PAUSE_MS = 2_000;
const PATIENCE_MS = 10 * 60_000;

/**
 * @param url a direct connection or one through a pooler: a transaction holds the lock, not a session
 * @throws DatabaseStartError, UnknownReaderError, PostgresError; a failed migration changes nothing
 */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<DatabaseRoles> {
  const { takesParameters = true, logger, patienceMs = PATIENCE_MS } = options;
  const connection = sessionSettings({ takesParameters });
  const end = performance.now() + patienceMs;
  return await withConnection(url, { connection }, async (sql) => {
    for (let before: Attempt = {}; ; ) {
      const attempt = await tryMigrate(sql, options, before.holder);
      if (attempt.roles !== undefined) return attempt.roles;
      before = attempt;
      const holder = attempt.holder === undefined ? '' : ` (${attempt.holder.name})`;
      const blocked = `The migration waits for a table that another session holds${holder}.`;
      if (performance.now() > end)
        throw new DatabaseStartError(`${blocked} End that session, then start again.`);
      logger?.warn(`${blocked} Trying again; no other statement waits for it.`);
      await delay(PAUSE_MS);
    }
  });
}

/** Without roles, another session, `holder`, holds a lock that the migration needs, and nothing has changed. */
interface Attempt {
  roles?: DatabaseRoles;
  holder?: BlockingSession | undefined;
}

/** @param holder of the try before */
async function tryMigrate(
  sql: Sql,
  options: MigrateOptions,
  holder: BlockingSession | undefined,
): Promise<Attempt> {
  let watch: BlockingSessionWatch | undefined;
  try {
    // A snapshot would hide the tables that the migration of another server created.
    const roles = await sql.begin('isolation level read committed', async (tx) => {
      await liftLimits(tx);
      await tx`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
      const limitMs = LOCK_LIMIT_MS + (holder?.isAutovacuum ? await readDeadlockTimeout(tx) : 0);
      await tx.unsafe(`set local lock_timeout = ${limitMs}`);
      const [own] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
      watch = watchBlockingSession(sql, own?.pid ?? 0);
      const journal = await readJournal(tx);
      if (options.upgrades === false) assertNotOlder(journal);
      const isFirst = journal.schema === 'none';
      // Before the locks: the tables of another program are named at once, although they are in use.
      if (isFirst) await assertNoConflictingObjects(tx, isFirst);
      if (journal.pending.length > 0) {
        await watch.connected();
        await lockTables(tx, [...(await readOwnObjects()).relations, ...TABLES_OF_0_1], limitMs);
      }
      if (!isFirst) await assertNoConflictingObjects(tx, isFirst);
      if (journal.schema === '0.1') {
        options.logger?.info(
          'Upgrading the tables of version 0.1. A server of that version can run until it is replaced, but cannot start again.',
        );
      }
      await applyPending(tx, journal);
      await restorePatientUniqueness(tx);
      await advanceSequences(tx);
      return await close(tx, options);
    });
    return { roles };
  } catch (error) {
    const isBlocked = error instanceof TablesBusyError || isBlockedByLock(databaseError(error)?.code);
    if (isBlocked) return { holder: watch?.found };
    throw withMigrationExplanation(error);
  } finally {
    await watch?.stop();
  }
}

/** @returns milliseconds */
async function readDeadlockTimeout(tx: Tx): Promise<number> {
  const [row] = await tx<{ ms: number }[]>`
    select setting::int as ms from pg_settings where name = 'deadlock_timeout'`;
  return row?.ms ?? 0;
}

/** @throws DatabaseStartError when the tables are those of an older version */
export function assertNotOlder({ schema, pending }: Journal): void {
  if (schema === 'none' || pending.length === 0) return;
  throw new DatabaseStartError(
    'The tables in the database are those of an older version. Run: npm run db:migrate',
  );
}

/** Runs in the transaction of the migration, so no other role ever sees a new table. */
async function close(tx: Tx, { server, readers = [], logger }: MigrateOptions): Promise<DatabaseRoles> {
  const [self] = await tx<{ role: string }[]>`select current_user as role`;
  const other = server === self?.role ? undefined : server;
  const user = server ?? self?.role ?? '';
  const hasRowSecurityRole = await ensureRowSecurityRole(tx, user);
  if (other !== undefined) await ensureSchemaUsage(tx, other);
  await assertReadersExist(tx, readers);
  const roles = { server: other, readers, hasRowSecurityRole };
  const closed = await revokeFromOthers(tx, await readOwnObjects(), roles);
  // PostgreSQL allows PUBLIC to call each new function by default.
  const named = closed.filter((role) => role !== 'PUBLIC');
  if (named.length > 0) {
    logger?.warn(
      `Revoked rights on our tables that ${named.join(', ')} had. A role that is to read them belongs into DATABASE_READERS.`,
    );
  }
  return roles;
}
