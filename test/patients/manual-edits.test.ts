/** Rows of `patients` that were changed by SQL, and how a sync restores them (decision 15). */
import { describe, expect } from 'vitest';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

describe('a patient that was changed by hand', () => {
  test('is as in Cliniko again with the next full sync, once the hash and the time were emptied', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    const sql = connectInTest(databaseUrl);
    const columns = () => sql`select first_name, archived_at, updated_at, raw from patients order by id`;
    await wholeSync(server);
    const before = await columns();
    await sql`update patients set first_name = 'By hand', archived_at = now(), updated_at = '2099-01-01'
      where id % 7 = 0`;
    expect(await wholeSync(server)).toMatchObject({ metadata: { unchanged: 60 } });

    await sql`update patients set content_hash = '', updated_at = null where first_name = 'By hand'`;
    expect(await wholeSync(server)).toMatchObject({ metadata: { updated: 8, unchanged: 52 } });
    expect(await columns()).toEqual(before);
  });
});
