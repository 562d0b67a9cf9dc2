/** Every table, view and column has a description in the database, for people and for tools that read the catalog. */
import { expect } from 'vitest';
import { connectInTest, test } from '../support/database.ts';

test('describes every table, view and column', async ({ databaseUrl }) => {
  const sql = connectInTest(databaseUrl);
  const described = await sql<{ name: string; text: string | null }[]>`
    with tables as (
      select oid, relname from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm') and not relispartition
    )
    select relname as name, obj_description(oid, 'pg_class') as text from tables
    union all
    select relname || '.' || attname, col_description(oid, attnum) from tables
    join pg_attribute on attrelid = oid and attnum > 0 and not attisdropped
    order by name`;
  expect(described.length).toBeGreaterThan(250);
  // COMMENT ON TABLE … IS and COMMENT ON COLUMN … IS, in the migration that creates it.
  expect(described.filter(({ text }) => text === null).map(({ name }) => name)).toEqual([]);
  expect(described.filter(({ text }) => !/^[A-Za-z0-9].{3,}\.$/.test(text ?? ''))).toEqual([]);
});

test('says what null means in each column of patients and syncs that may be null', async ({
  databaseUrl,
}) => {
  const sql = connectInTest(databaseUrl);
  const different = await sql`
    select attrelid::regclass::text || '.' || attname as name, attnotnull as required from pg_attribute
    where attrelid in ('patients'::regclass, 'sync_logs'::regclass) and attnum > 0 and not attisdropped
      and attnotnull = (col_description(attrelid, attnum) ~ '\\mnull\\M')`;
  expect(different).toEqual([]);
  // The view has the same columns, in the same words.
  expect(
    await sql`
      select viewed.attname as name from pg_attribute as viewed join pg_attribute as stored using (attname)
      where viewed.attrelid = 'patients_current'::regclass and stored.attrelid = 'patients'::regclass
        and col_description(viewed.attrelid, viewed.attnum) <> col_description(stored.attrelid, stored.attnum)`,
  ).toEqual([]);
});
