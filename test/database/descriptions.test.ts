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
