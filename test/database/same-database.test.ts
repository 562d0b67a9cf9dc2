/** `LISTEN_DATABASE_URL` and `MIGRATE_DATABASE_URL` have to lead to the database of `DATABASE_URL`. */
import { expect } from 'vitest';
import { prepareDatabase } from '../../src/database/prepare.ts';
import { assertSameDatabase } from '../../src/database/same-database.ts';
import { createEmptyDatabase, test } from '../support/database.ts';
import { createPlatform } from './support/platform.ts';

test.for([
  ['LISTEN_DATABASE_URL', 'listenUrl'],
  ['MIGRATE_DATABASE_URL', 'migrateUrl'],
] as const)('%s of another database ends the start, and creates nothing there', async ([variable, name]) => {
  const [ours, other] = [await createEmptyDatabase(), await createEmptyDatabase()];
  await expect(prepareDatabase({ url: ours.url, readers: [], [name]: other.url })).rejects.toMatchObject({
    name: 'DatabaseStartError',
    message: `${variable} leads to another database than DATABASE_URL. Both have to name the same database on the same PostgreSQL.`,
  });
  for (const { sql } of [ours, other]) {
    expect(await sql`select from pg_class where relnamespace = 'public'::regnamespace`).toHaveLength(0);
  }
});

test('the same database is recognized for other roles, and under another name of its host', async () => {
  const platform = await createPlatform();
  const url = platform.urlOf(await platform.createRole());
  await assertSameDatabase(url, platform.ownerUrl.replace('127.0.0.1', 'localhost'), 'MIGRATE_DATABASE_URL');
});
