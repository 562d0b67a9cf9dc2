/**
 * Brings a database to the newest schema: the migrations of `drizzle/`, and what other hands took away.
 *
 * Any number of servers may start at once: the first migrates, the others wait for it and find nothing to do.
 */
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator';
import { connect } from './driver.ts';
import { assertPatientsAreOurs } from './foreign-patients.ts';
import { restorePatientUniqueness } from './patient-uniqueness.ts';
import { type SessionSettings, sessionSettings } from './session.ts';

const MIGRATIONS = fileURLToPath(new URL('../../drizzle', import.meta.url));

/** Any number, the same in every version of this program. */
const MIGRATION_LOCK = 7_262_001;

export interface MigrateOptions {
  /** It refuses startup parameters (`pinSession`). */
  throughPooler?: boolean;
}

/** A migration takes as long as it takes, whatever limit the role has. */
const NO_LIMIT: SessionSettings = { statement_timeout: '0' };

/**
 * @param url a direct connection or one through a pooler: the lock is held by a transaction, not by a session
 * @throws ForeignPatientsError, PostgresError; the migration that failed has changed nothing
 */
export async function migrate(url: string, { throughPooler = false }: MigrateOptions = {}): Promise<void> {
  const connection: SessionSettings = {
    ...sessionSettings({ throughPooler }),
    ...(throughPooler ? {} : NO_LIMIT),
  };
  // Two connections: drizzle runs a transaction of its own while ours holds the lock.
  const sql = connect(url, { max: 2, prepare: false, connection });
  try {
    // Under a snapshot the lock's transaction would not see what drizzle's has made.
    await sql.begin('isolation level read committed', async (lock) => {
      await lock`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
      await assertPatientsAreOurs(lock);
      await applyMigrations(drizzle(sql), { migrationsFolder: MIGRATIONS });
      await restorePatientUniqueness(lock);
    });
  } finally {
    await sql.end();
  }
}
