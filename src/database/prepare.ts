/**
 * Prepares the database at the configured addresses for a server: sessions with the settings that they need, the newest
 * schema, and no rights for other roles.
 */
import type { Logger } from '../logging/logger.ts';
import { checkDatabase, withExplanation } from './check-database.ts';
import { withConnection } from './driver.ts';
import { migrate } from './migrate.ts';
import type { DatabaseRoles } from './revoke-privileges.ts';
import { assertSameDatabase } from './same-database.ts';
import { pinSession, sessionSettings } from './session.ts';

export interface DatabaseAddresses {
  url: string;
  /** A direct connection, when `url` goes through a pooler. */
  listenUrl?: string | undefined;
  /** The address of the owner, when `url` logs in as another role. */
  migrateUrl?: string | undefined;
  readers: readonly string[];
  /** See `migrate`. */
  upgrades?: boolean;
}

export interface PreparedDatabase {
  /** Sessions at `url` come from a pooler, and may change with each transaction. */
  throughPooler: boolean;
  /** Of `url`, which is known for a pooler that passes them on too. */
  takesParameters: boolean;
  /** Sessions at `listenUrl` come from a pooler, in session mode. */
  listensThroughPooler: boolean;
  roles: DatabaseRoles;
}

/** @throws SessionSettingsError, DatabaseStartError, UnknownReaderError, PostgresError */
export async function prepareDatabase(
  { url, listenUrl = url, migrateUrl = listenUrl, readers, upgrades = true }: DatabaseAddresses,
  logger?: Logger,
): Promise<PreparedDatabase> {
  const takesParameters = new Map<string, boolean>();
  const variables = new Map([
    [migrateUrl, 'MIGRATE_DATABASE_URL'],
    [listenUrl, 'LISTEN_DATABASE_URL'],
    [url, 'DATABASE_URL'],
  ]);
  const explained = async <T>(address: string, work: Promise<T>): Promise<T> => {
    return await work.catch((error: unknown) => {
      throw withExplanation(variables.get(address) ?? 'DATABASE_URL', address, error);
    });
  };
  for (const address of new Set([url, listenUrl, migrateUrl])) {
    await checkDatabase(variables.get(address) ?? 'DATABASE_URL', address, { logger });
  }
  for (const address of new Set([listenUrl, url, migrateUrl])) {
    takesParameters.set(address, await explained(address, pinSession(address, logger)));
  }
  for (const address of new Set([listenUrl, migrateUrl])) {
    const variable = variables.get(address);
    if (address === url || variable === undefined) continue;
    await explained(address, assertSameDatabase(url, address, variable));
  }
  const server = migrateUrl === listenUrl ? undefined : await readRole(url);
  const migration = { takesParameters: takesParameters.get(migrateUrl), server, readers, upgrades, logger };
  const roles = await explained(migrateUrl, migrate(migrateUrl, migration));
  return {
    throughPooler: listenUrl !== url || takesParameters.get(url) === false,
    takesParameters: takesParameters.get(url) === true,
    listensThroughPooler: takesParameters.get(listenUrl) === false,
    roles,
  };
}

/** The role as PostgreSQL names it: the user name of a pooler may contain more. */
async function readRole(url: string): Promise<string | undefined> {
  const connection = sessionSettings({ takesParameters: false });
  const [row] = await withConnection(
    url,
    { connection },
    (sql) => sql<{ role: string }[]>`select current_user as role`,
  );
  return row?.role;
}
