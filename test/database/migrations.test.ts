/**
 * The tables in the code, drizzle-kit's newest snapshot and a migrated database are equal. So `npm run db:generate` writes only
 * what a change of the code needs.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import { expect } from 'vitest';
import { MIGRATIONS, readMigrations } from '../../src/database/migration-journal.ts';
import { connectInTest, test } from '../support/database.ts';

interface Snapshot {
  id: string;
  prevId: string;
  tables: Record<
    string,
    {
      name: string;
      columns: Record<string, { name: string; type: string; notNull: boolean }>;
      indexes: Record<string, { name: string }>;
    }
  >;
}

const SOURCE = resolve(import.meta.dirname, '../../src');
const META = join(MIGRATIONS, 'meta');
const readJson = (name: string) => JSON.parse(readFileSync(join(META, name), 'utf8'));
const SNAPSHOTS: Snapshot[] = readdirSync(META)
  .filter((name) => name.endsWith('_snapshot.json'))
  .sort()
  .map(readJson);

async function readTables(): Promise<PgTable[]> {
  const files = readdirSync(SOURCE)
    .map((folder) => join(SOURCE, folder, 'table.ts'))
    .filter((file) => existsSync(file));
  const modules = await Promise.all(files.map((file): Promise<Record<string, unknown>> => import(file)));
  return modules.flatMap((module) => Object.values(module).filter((value) => value instanceof PgTable));
}

test('the tables in the code are those of the newest snapshot, and the snapshots are a chain', async () => {
  const inCode = (await readTables()).flatMap((table) => {
    const { name, columns, indexes } = getTableConfig(table);
    return [
      ...columns.map((column) => `${name}.${column.name} ${column.getSQLType()} ${column.notNull}`),
      ...indexes.map((index) => `index ${index.config.name}`),
    ];
  });
  const inSnapshot = Object.values(SNAPSHOTS.at(-1)?.tables ?? {}).flatMap(({ name, columns, indexes }) => [
    ...Object.values(columns).map((column) => `${name}.${column.name} ${column.type} ${column.notNull}`),
    ...Object.values(indexes).map((index) => `index ${index.name}`),
  ]);
  expect(inSnapshot.length).toBeGreaterThan(100);
  expect(inCode.sort()).toEqual(inSnapshot.sort());
  expect(SNAPSHOTS).toHaveLength(readMigrations().length);
  expect(SNAPSHOTS.slice(1).map(({ prevId }) => prevId)).toEqual(SNAPSHOTS.slice(0, -1).map(({ id }) => id));
});

test('the tables in the code are those of a migrated database', async ({ databaseUrl }) => {
  const sql = connectInTest(databaseUrl);
  for (const table of await readTables()) {
    const { name, columns, indexes } = getTableConfig(table);
    const [names, types, required] = [
      columns.map((column) => column.name),
      // A serial column is an integer with a default.
      columns.map((column) => column.getSQLType().replace(/^serial$/, 'integer')),
      columns.map((column) => String(column.notNull)),
    ];
    const different = await sql`
      select coalesce(name, attname) as name
      from unnest(${names}::text[], ${types}::text[], ${required}::text[]) as code (name, type, required)
      full join (select * from pg_attribute where attrelid = ${name}::regclass and attnum > 0 and not attisdropped) as stored
        on attname = name
      where atttypid is distinct from to_regtype(type)::oid or attnotnull is distinct from required::boolean`;
    expect(different, name).toEqual([]);
    const made = await sql<{ name: string }[]>`
      select relname as name from pg_index join pg_class on oid = indexrelid where indrelid = ${name}::regclass`;
    const missing = indexes.filter((index) => !made.some((one) => one.name === index.config.name));
    expect(missing, name).toEqual([]);
  }
});
