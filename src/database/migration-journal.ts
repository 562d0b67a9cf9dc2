/**
 * The migrations that were applied to this database, and those that are pending.
 *
 * The journal is a table with our own name. Every program that uses drizzle in the same database shares drizzle's default,
 * `drizzle.__drizzle_migrations`: a newer entry of another program there caused our migrations to be skipped. The entries of
 * a journal of version 0.1, which used that default, are copied.
 *
 * Not here: locks and retries (migrate.ts).
 */
import { fileURLToPath } from 'node:url';
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator';
import type { ISql } from 'postgres';

export const MIGRATIONS = fileURLToPath(new URL('../../drizzle', import.meta.url));
export const JOURNAL_TABLE = 'patient_sync_migrations';

export function readMigrations(): MigrationMeta[] {
  return readMigrationFiles({ migrationsFolder: MIGRATIONS });
}

/** @returns the pending migrations, in order. It changes nothing. */
export async function readPending(sql: ISql): Promise<MigrationMeta[]> {
  const applied = await readApplied(sql);
  return readMigrations().filter(({ hash }) => !applied.has(hash));
}

/**
 * Call it in a transaction that holds the migration lock.
 * @returns how many were applied
 */
export async function applyPending(tx: ISql): Promise<number> {
  const applied = await readApplied(tx);
  const pending = readMigrations().filter(({ hash }) => !applied.has(hash));
  const [journal] = await tx<{ missing: boolean }[]>`
    select to_regclass(${`public.${JOURNAL_TABLE}`}) is null as missing`;
  // Checked first, because `if not exists` needs the right to create tables too.
  if (journal?.missing) {
    await tx.unsafe(
      `create table public.${JOURNAL_TABLE} (hash text primary key, applied_at timestamptz not null default now())`,
    );
  } else if (pending.length === 0) return 0;
  if (applied.size > 0) {
    await tx`insert into ${tx(JOURNAL_TABLE)} (hash) select unnest(${[...applied]}::text[]) on conflict do nothing`;
  }
  for (const { hash, sql: statements } of pending) {
    for (const statement of statements) await tx.unsafe(statement);
    await tx`insert into ${tx(JOURNAL_TABLE)} (hash) values (${hash})`;
  }
  return pending.length;
}

/** Whether any of our migrations was applied to this database. */
export async function hasJournal(sql: ISql): Promise<boolean> {
  return (await readApplied(sql)).size > 0;
}

/** The hashes of our migrations in our journal or in that of version 0.1. */
async function readApplied(sql: ISql): Promise<Set<string>> {
  const ours = new Set(readMigrations().map(({ hash }) => hash));
  const [journals] = await sql<{ own: boolean; shared: boolean }[]>`
    select to_regclass(${`public.${JOURNAL_TABLE}`}) is not null as own,
      to_regclass('drizzle.__drizzle_migrations') is not null
        and has_table_privilege(to_regclass('drizzle.__drizzle_migrations'), 'select')
        and has_schema_privilege(to_regnamespace('drizzle'), 'usage') as shared`;
  const rows = [
    ...(journals?.own ? await sql<{ hash: string }[]>`select hash from public.${sql(JOURNAL_TABLE)}` : []),
    // The journal of another program contains other hashes.
    ...(journals?.shared ? await sql<{ hash: string }[]>`select hash from drizzle.__drizzle_migrations` : []),
  ];
  return new Set(rows.map(({ hash }) => hash).filter((hash) => ours.has(hash)));
}
