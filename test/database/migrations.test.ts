/**
 * The tables in the code, drizzle-kit's newest snapshot and a migrated database are equal. So `npm run db:generate` writes only
 * what a change of the code needs, and who reads the code knows every column, index and constraint.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api';
import type { Sql } from 'postgres';
import { beforeAll, expect } from 'vitest';
import { JOURNAL_TABLE, MIGRATIONS, readMigrations } from '../../src/database/migration-journal.ts';
import { connectInTest, createEmptyDatabase, test } from '../support/database.ts';

type Snapshot = ReturnType<typeof generateDrizzleJson>;

const SOURCE = resolve(import.meta.dirname, '../../src');
const META = join(MIGRATIONS, 'meta');
const SNAPSHOTS: Snapshot[] = readdirSync(META)
  .filter((name) => name.endsWith('_snapshot.json'))
  .sort()
  .map((name) => JSON.parse(readFileSync(join(META, name), 'utf8')));

let inCode: Snapshot;

beforeAll(async () => {
  const files = readdirSync(SOURCE)
    .map((folder) => join(SOURCE, folder, 'table.ts'))
    .filter((file) => existsSync(file));
  const modules = await Promise.all(files.map((file): Promise<Record<string, unknown>> => import(file)));
  inCode = generateDrizzleJson(Object.assign({}, ...modules));
});

test('the tables in the code are those of the newest snapshot, and the snapshots are a chain', async () => {
  const newest = SNAPSHOTS.at(-1);
  expect(Object.keys(newest?.tables ?? {}).length).toBeGreaterThan(20);
  expect(newest && (await generateMigration(newest, inCode))).toEqual([]);
  expect(SNAPSHOTS).toHaveLength(readMigrations().length);
  expect(SNAPSHOTS.slice(1).map(({ prevId }) => prevId)).toEqual(SNAPSHOTS.slice(0, -1).map(({ id }) => id));
});

test('the tables in the code are those of a migrated database', async ({ databaseUrl }) => {
  const migrated = connectInTest(databaseUrl);
  const { sql: created } = await createEmptyDatabase();
  // Indexes call it.
  const [status] = await migrated<{ text: string }[]>`
    select pg_get_functiondef('sync_status_word'::regproc) as text`;
  await created.unsafe(status?.text ?? '');
  for (const statement of await generateMigration(generateDrizzleJson({}), inCode))
    await created.unsafe(statement);
  const described = await describeTables(created);
  expect(described.length).toBeGreaterThan(300);
  expect(await describeTables(migrated)).toEqual(described);
});

/** One line for each column, index and constraint. drizzle knows no partitions and no constraint triggers. */
async function describeTables(sql: Sql): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    with tables as (
      select oid, relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
        and not relispartition and relname <> ${JOURNAL_TABLE})
    select concat_ws(' ', 'column', relname, attname, format_type(atttypid, atttypmod), attnotnull,
      pg_get_expr(adbin, adrelid), attidentity, attgenerated) as line
    from tables join pg_attribute on attrelid = tables.oid and attnum > 0 and not attisdropped
      left join pg_attrdef on adrelid = attrelid and adnum = attnum
    union all
    select replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') from tables join pg_index on indrelid = oid
    union all
    select concat_ws(' ', 'constraint', relname, conname, pg_get_constraintdef(pg_constraint.oid))
    from tables join pg_constraint on conrelid = tables.oid and contype not in ('t', 'n')
    order by line`;
  return rows.map(({ line }) => line);
}
