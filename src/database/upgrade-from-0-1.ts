/**
 * Upgrades the tables of version 0.1, whose migrations were other files, to those of the first migration (`0000_tables`). The
 * caller then applies the other migrations, so an upgraded database and a new one get the same functions.
 *
 * Not here: the detection of version 0.1, and the new journal (migration-journal.ts).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ISql } from 'postgres';
import { databaseError } from '../logging/safe-error.ts';
import { DatabaseStartError } from './database-failure.ts';

/** The entries that version 0.1 left in drizzle's own journal: SHA-256 of each of its files. */
export const MIGRATIONS_OF_0_1: readonly string[] = [
  'a2e06f03098fdf3b9ed62e861b0c8335a73d283f57a072a025b0a6b797ca92a1',
  '5821dff755038a2f28a87b7d964e4977e82921167868383e27440aa3b2144fee',
  'effa9e09c5635e0935c31da65e4165910a38ccfd917e96d46a8ebb7d580747bc',
  'b3679770d1117c7c7bcd446aebf0fbdb599edab01025eeb811c0d3cb79704999',
  'c3775c4adb25f66bd8f6b796c214aed5871ef1e91f8348fbecfe36e6d4c0c4ca',
  'ebd7a7974eac0bdda2aeed6b4211a15f590d7c31983d0f9cfc5f36f7f6e4f5bb',
  'b3405d584b665234595ed8c5bf9423e935726bcf584657153bb0fa4911009f4f',
  'a0b59f0d661299879e14259c0b95ffac5c06622c72d1d791ba1f99a9886a3cd3',
  'ec90404b822ffc85479ec3e5e488c7e665dfdd383acf4a5184fb6cb75b9cba1e',
  'a4b0bc0253271c84ee3ce4aacab05b08adaede8ee11f49e1a83e9b42c92e7e9d',
  '0baeff4e54278fa430554a467fa213c9e9945fb471728f387f7b0faffa041fb6',
];

/** Those that this version does not have. */
export const TABLES_OF_0_1: readonly string[] = ['sync_eras'];

const ADVICE = 'Restore that, then start again. Nothing was changed, and version 0.1 can still be started.';

/**
 * Call it as the owner, in a transaction that holds the migration lock.
 *
 * @param folder of the migrations
 * @throws DatabaseStartError when the tables are not those that version 0.1 created
 */
export async function upgradeTables(tx: ISql, folder: string): Promise<void> {
  const statements = await readFile(join(folder, 'upgrade-from-0.1.sql'), 'utf8');
  try {
    await tx.unsafe(statements);
  } catch (error) {
    const refusal = databaseError(error);
    if (refusal === undefined || !isDifference(refusal.code)) throw error;
    // The statements read no row, so neither the message nor the detail contains one.
    const detail = refusal.detail === undefined ? '' : ` (${refusal.detail.replaceAll('\n', '; ')})`;
    throw new DatabaseStartError(
      `The tables of version 0.1 were changed by another program, so they cannot be upgraded: ${refusal.message}${detail}. ${ADVICE}`,
    );
  }
  const missing = await readMissingColumns(tx, folder);
  if (missing.length === 0) return;
  throw new DatabaseStartError(
    `The tables of version 0.1 were changed by another program, so they cannot be upgraded: ${missing.join(', ')}. ${ADVICE}`,
  );
}

const INSUFFICIENT_PRIVILEGE = '42501';
const DEPENDENT_OBJECTS = '2BP01';

/** An object is missing, exists already, or has another one that depends on it. */
const isDifference = (sqlstate: string): boolean =>
  sqlstate === DEPENDENT_OBJECTS || (sqlstate.startsWith('42') && sqlstate !== INSUFFICIENT_PRIVILEGE);

/** The shape of the tables after `0000_tables`, as drizzle-kit records it. */
interface Snapshot {
  tables: Record<string, { name: string; columns: Record<string, { name: string }> }>;
}

async function readMissingColumns(tx: ISql, folder: string): Promise<string[]> {
  const snapshot = JSON.parse(await readFile(join(folder, 'meta', '0000_snapshot.json'), 'utf8')) as Snapshot;
  const rows = await tx<{ name: string }[]>`
    select relname || '.' || attname as name from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'public'::regnamespace and attnum > 0 and not attisdropped`;
  const present = new Set(rows.map(({ name }) => name));
  return Object.values(snapshot.tables)
    .flatMap(({ name, columns }) => Object.values(columns).map((column) => `${name}.${column.name}`))
    .filter((name) => !present.has(name))
    .map((name) => `the column ${name} is missing`);
}
