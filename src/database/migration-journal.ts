/**
 * The migrations that were applied to this database, and those that are pending.
 *
 * The journal is a table with our own name. Every program that uses drizzle in the same database shares drizzle's default,
 * `drizzle.__drizzle_migrations`: a newer entry of another program there caused our migrations to be skipped. Version 0.1 used
 * that default; its entries stay there and tell that its tables have to be upgraded (upgrade-from-0-1.ts).
 *
 * Not here: locks and retries (migrate.ts).
 */
import { fileURLToPath } from 'node:url';
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator';
import type { ISql } from 'postgres';
import { DatabaseStartError } from './database-failure.ts';
import { MIGRATIONS_OF_0_1, upgradeTables } from './upgrade-from-0-1.ts';

export const MIGRATIONS = fileURLToPath(new URL('../../drizzle', import.meta.url));
export const JOURNAL_TABLE = 'patient_sync_migrations';

export interface Journal {
  /** The version that created the tables: `none` in a database without them. */
  schema: 'none' | '0.1' | 'current';
  pending: readonly MigrationMeta[];
}

let read: readonly MigrationMeta[] | undefined;

/** Read once: an installation does not change while it runs. */
export function readMigrations(): readonly MigrationMeta[] {
  read ??= readMigrationFiles({ migrationsFolder: MIGRATIONS });
  return read;
}

/**
 * Changes nothing.
 *
 * @throws DatabaseStartError when the tables are of a version between 0.1 and 0.2
 */
export async function readJournal(sql: ISql): Promise<Journal> {
  const migrations = readMigrations();
  const { own, drizzle } = await readHashes(sql);
  if (own.size > 0) {
    // The tables came with the first migration. A journal without it belongs to other files. Entries of a newer version do no
    // harm: its servers may run beside this one.
    if (!own.has(migrations[0]?.hash ?? '')) throw new DatabaseStartError(UNRELEASED);
    return { schema: 'current', pending: migrations.filter(({ hash }) => !own.has(hash)) };
  }
  // The journal of another program contains other entries.
  const of01 = MIGRATIONS_OF_0_1.filter((hash) => drizzle.has(hash));
  if (of01.length === 0) return { schema: 'none', pending: migrations };
  if (of01.length < MIGRATIONS_OF_0_1.length) throw new DatabaseStartError(UNRELEASED);
  return { schema: '0.1', pending: migrations };
}

const UNRELEASED =
  'The tables in this database were created by an unreleased version, which cannot be upgraded. Set DATABASE_URL to an empty database (without DATABASE_URL: delete DATA_DIR), or restore a backup of version 0.1, then start again.';

/** Call it in a transaction that holds the migration lock. */
export async function applyPending(tx: ISql, { schema, pending }: Journal): Promise<void> {
  if (pending.length === 0) return;
  if (schema !== 'current') {
    await tx.unsafe(
      `create table if not exists public.${JOURNAL_TABLE} (hash text primary key, applied_at timestamptz not null default now())`,
    );
  }
  const [tables, ...others] = pending;
  // The upgrade takes the place of the first migration.
  if (schema === '0.1' && tables !== undefined) {
    await upgradeTables(tx, MIGRATIONS);
    await record(tx, tables);
  }
  const statementOf = schema === '0.1' ? replacing : (statement: string) => statement;
  for (const migration of schema === '0.1' ? others : pending) {
    for (const statement of migration.sql) await tx.unsafe(statementOf(statement));
    await record(tx, migration);
  }
}

/**
 * A function of version 0.1 is replaced, never dropped: a server of 0.1 that still runs has prepared statements that call it, and
 * each of them would fail once on each of its connections (SQLSTATE XX000).
 */
const replacing = (statement: string): string =>
  statement.replaceAll(/^CREATE FUNCTION/gm, 'CREATE OR REPLACE FUNCTION');

async function record(tx: ISql, { hash }: MigrationMeta): Promise<void> {
  await tx`insert into ${tx(JOURNAL_TABLE)} (hash) values (${hash})`;
}

async function readHashes(sql: ISql): Promise<{ own: Set<string>; drizzle: Set<string> }> {
  const [journals] = await sql<{ own: boolean; shared: boolean }[]>`
    select to_regclass(${`public.${JOURNAL_TABLE}`}) is not null as own,
      to_regclass('drizzle.__drizzle_migrations') is not null
        and has_table_privilege(to_regclass('drizzle.__drizzle_migrations'), 'select')
        and has_schema_privilege(to_regnamespace('drizzle'), 'usage') as shared`;
  const own = journals?.own
    ? await sql<{ hash: string }[]>`select hash from public.${sql(JOURNAL_TABLE)}`
    : [];
  const drizzle = journals?.shared
    ? await sql<{ hash: string }[]>`select hash from drizzle.__drizzle_migrations`
    : [];
  return { own: new Set(own.map(({ hash }) => hash)), drizzle: new Set(drizzle.map(({ hash }) => hash)) };
}
