/** Opens the server's database: migrated, with the configured organization in it, and with the key that seals credentials. */
import type { Config } from '../config/config.ts';
import { withExplanation } from '../database/check-database.ts';
import { type Database, openDatabase } from '../database/open.ts';
import { poolShare } from '../database/pool-share.ts';
import { type PreparedDatabase, prepareDatabase } from '../database/prepare.ts';
import { openEmbeddedDatabase } from '../embedded-postgres/open.ts';
import { readOrMakeCredentialsKey } from '../encryption/key-file.ts';
import { rotateKeys } from '../encryption/rotate-keys.ts';
import { createSealer, type Sealer } from '../encryption/sealer.ts';
import type { Logger } from '../logging/logger.ts';
import { assertOwnKey, rememberKey } from '../organizations/key-fingerprint.ts';
import { saveApiKey, saveOrganization } from '../organizations/organizations.ts';
import { SEALED } from './sealed-columns.ts';

export interface ServerDatabase extends PreparedDatabase {
  database: Database;
  url: string;
  /** A direct connection, for LISTEN. */
  listenUrl: string;
  sealer: Sealer;
  credentialsKey: Buffer;
  close(): Promise<void>;
}

/** @throws when the database cannot be reached, or `leaving` is aborted; nothing is left running then */
export async function openServerDatabase(
  config: Config,
  logger: Logger,
  leaving: AbortSignal | undefined,
): Promise<ServerDatabase> {
  const embedded = config.databaseUrl === undefined ? await openEmbedded(config, logger, leaving) : undefined;
  const url = config.databaseUrl ?? embedded?.url ?? '';
  const listenUrl = config.listenDatabaseUrl ?? url;
  let database: Database | undefined;
  const close = async () => {
    await database?.close();
    await embedded?.stop();
  };
  try {
    const addresses = {
      url,
      listenUrl,
      migrateUrl: config.migrateDatabaseUrl,
      readers: config.databaseReaders,
    };
    const prepared = await prepareDatabase(addresses, logger);
    database = openDatabase(url, {
      max: poolShare(config.databasePoolMax).engine,
      throughPooler: prepared.throughPooler,
      takesParameters: prepared.takesParameters,
    });
    const key = config.credentialsKey ?? (await readOrMakeCredentialsKey(config.dataDir));
    const sealer = createSealer(key, config.previousCredentialsKey);
    await assertOwnKey(database, sealer, SEALED);
    if (config.previousCredentialsKey !== undefined) {
      for (const sealed of SEALED) await rotateKeys(database, sealer, sealed);
    }
    await rememberKey(database, sealer);
    if (config.clinic !== undefined) {
      await saveOrganization(database, config.clinic.organizationId, {});
      await saveApiKey(database, sealer, config.clinic.organizationId, config.clinic.apiKey);
    }
    return { database, url, listenUrl, ...prepared, sealer, credentialsKey: key, close };
  } catch (error) {
    await close();
    throw config.databaseUrl === undefined ? error : withExplanation('DATABASE_URL', url, error);
  }
}

async function openEmbedded(config: Config, logger: Logger, leaving: AbortSignal | undefined) {
  logger.info(`DATABASE_URL is not set: using the embedded PostgreSQL under ${config.dataDir}`);
  const embedded = await openEmbeddedDatabase({ dataDir: config.dataDir, leaving });
  if (embedded.notice !== undefined) logger.info(embedded.notice);
  if (embedded.attached) logger.info('The embedded PostgreSQL was running already; this server shares it');
  return embedded;
}
