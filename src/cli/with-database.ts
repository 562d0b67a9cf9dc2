/** The database of the environment, for commands that work on it without a server. */
import { type DatabaseConfig, readDatabaseConfig } from '../config/config.ts';
import { withExplanation } from '../database/check-database.ts';
import { assertNotOlder } from '../database/migrate.ts';
import { readJournal } from '../database/migration-journal.ts';
import { type Database, type OpenOptions, openPinned } from '../database/open.ts';
import { prepareDatabase } from '../database/prepare.ts';
import type { DatabaseRoles } from '../database/revoke-privileges.ts';
import { CommandError } from './arguments.ts';
import { openCommandDatabase } from './command-database.ts';

interface WithDatabaseOptions {
  /** As the owner of the tables, when `MIGRATE_DATABASE_URL` names it. Default: as the role of the servers. */
  asOwner?: boolean;
}

/**
 * Creates the tables when there are none. Those of an older version stay: its servers may run.
 *
 * @returns the exit code
 */
export async function withDatabase(
  work: (database: Database, roles: DatabaseRoles) => Promise<void>,
  { asOwner = false }: WithDatabaseOptions = {},
): Promise<number> {
  const config = readDatabaseConfig(process.env);
  const { listenDatabaseUrl: listenUrl, migrateDatabaseUrl: migrateUrl, databaseReaders: readers } = config;
  const { url, close } = await openCommandDatabase(config);
  try {
    const { roles } = await prepareDatabase({ url, listenUrl, migrateUrl, readers, upgrades: false });
    const address = asOwner ? (migrateUrl ?? listenUrl ?? url) : url;
    const database = await openPinned(address, { max: 1 });
    await work(database, roles).finally(database.close);
    return 0;
  } finally {
    await close();
  }
}

/**
 * Changes no table before the work does: a preview must not migrate.
 *
 * @throws CommandError when the tables are not those of this version
 */
export async function withMigratedDatabase<T>(
  config: DatabaseConfig,
  options: OpenOptions,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const { url, close } = await openCommandDatabase(config);
  try {
    const database = await openPinned(url, options);
    return await assertMigrated(database)
      .then(() => work(database))
      .finally(database.close);
  } catch (error) {
    throw config.databaseUrl === undefined ? error : withExplanation('DATABASE_URL', url, error);
  } finally {
    await close();
  }
}

async function assertMigrated({ sql }: Database): Promise<void> {
  const journal = await readJournal(sql);
  assertNotOlder(journal);
  if (journal.schema !== 'none') return;
  throw new CommandError('The database has no tables of this server yet. Run: npm run db:migrate');
}
