/**
 * Stores which `CREDENTIALS_KEY` sealed the data of the database, so that a server with another key does not start. Without
 * this check it would start, report ready, and fail each scheduled sync.
 */
import { DatabaseStartError } from '../database/database-failure.ts';
import type { Database } from '../database/open.ts';
import { keyIdOf, type SealedColumn } from '../encryption/rotate-keys.ts';
import type { Sealer } from '../encryption/sealer.ts';

/** @throws DatabaseStartError when data is sealed with a key that the sealer does not have */
export async function assertOwnKey(
  database: Database,
  sealer: Sealer,
  columns: readonly SealedColumn[],
): Promise<void> {
  // Not only the remembered key: a server that still has the previous one may have sealed with it later.
  const unknownKey = await findUnknownKey(database, sealer, columns);
  if (unknownKey === undefined) return;
  throw new DatabaseStartError(
    `CREDENTIALS_KEY (fingerprint ${sealer.keyId}) is not the key that sealed the API keys in this database (fingerprint ${unknownKey}). Set that key again, or give it as CREDENTIALS_KEY_PREVIOUS beside the new one; without DATABASE_URL it is the file credentials.key in DATA_DIR. If it is lost: docs/guides/operations.md, "A lost key".`,
  );
}

/** Call it when all data is sealed with the current key of the sealer. */
export async function rememberKey({ sql }: Database, { keyId }: Sealer): Promise<void> {
  await sql`insert into sealing_key (key_id) values (${keyId})
    on conflict (singleton) do update set key_id = excluded.key_id where sealing_key.key_id <> excluded.key_id`;
}

/** @returns the id of a key that sealed data and is not available */
async function findUnknownKey(
  { sql }: Database,
  sealer: Sealer,
  columns: readonly SealedColumn[],
): Promise<string | undefined> {
  for (const { table, column } of columns) {
    const rows = await sql<{ keyId: string }[]>`
      select distinct ${keyIdOf(sql, column)} as "keyId" from ${sql(table)} where ${sql(column)} is not null`;
    const unknownKey = rows.find(({ keyId }) => !sealer.knows(keyId));
    if (unknownKey !== undefined) return unknownKey.keyId;
  }
  return undefined;
}
