/** The database of the environment, for commands that work on it without a server. */
import { readDatabaseConfig } from '../config/config.ts';
import { type Database, openDatabase } from '../database/open.ts';
import { prepareDatabase } from '../database/prepare.ts';
import type { DatabaseRoles } from '../database/revoke-privileges.ts';
import { openEmbeddedDatabase } from '../embedded-postgres/open.ts';

interface WithDatabaseOptions {
  /** As the owner of the tables, when `MIGRATE_DATABASE_URL` names it. Default: as the role of the servers. */
  asOwner?: boolean;
}

/** @returns the exit code */
export async function withDatabase(
  work: (database: Database, roles: DatabaseRoles) => Promise<void>,
  { asOwner = false }: WithDatabaseOptions = {},
): Promise<number> {
  const { databaseUrl, dataDir, ...config } = readDatabaseConfig(process.env);
  const { listenDatabaseUrl: listenUrl, migrateDatabaseUrl: migrateUrl, databaseReaders: readers } = config;
  const embedded = databaseUrl === undefined ? await openEmbeddedDatabase({ dataDir }) : undefined;
  const url = databaseUrl ?? embedded?.url ?? '';
  try {
    const { roles } = await prepareDatabase({ url, listenUrl, migrateUrl, readers });
    const address = asOwner ? (migrateUrl ?? listenUrl ?? url) : url;
    const database = openDatabase(address, { max: 1, throughPooler: true });
    await work(database, roles).finally(database.close);
    return 0;
  } finally {
    await embedded?.stop();
  }
}
