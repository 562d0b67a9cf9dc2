/** The database of the environment, for commands that work on it without a server. */
import { readDatabaseConfig } from '../config/config.ts';
import { type Database, openDatabase } from '../database/open.ts';
import { prepareDatabase } from '../database/prepare.ts';
import type { DatabaseRoles } from '../database/revoke-privileges.ts';
import { openCommandDatabase } from './command-database.ts';

interface WithDatabaseOptions {
  /** As the owner of the tables, when `MIGRATE_DATABASE_URL` names it. Default: as the role of the servers. */
  asOwner?: boolean;
}

/** @returns the exit code */
export async function withDatabase(
  work: (database: Database, roles: DatabaseRoles) => Promise<void>,
  { asOwner = false }: WithDatabaseOptions = {},
): Promise<number> {
  const config = readDatabaseConfig(process.env);
  const { listenDatabaseUrl: listenUrl, migrateDatabaseUrl: migrateUrl, databaseReaders: readers } = config;
  const { url, close } = await openCommandDatabase(config);
  try {
    const { roles } = await prepareDatabase({ url, listenUrl, migrateUrl, readers });
    const address = asOwner ? (migrateUrl ?? listenUrl ?? url) : url;
    const database = openDatabase(address, { max: 1, throughPooler: true });
    await work(database, roles).finally(database.close);
    return 0;
  } finally {
    await close();
  }
}
