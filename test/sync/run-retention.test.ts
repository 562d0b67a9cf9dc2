/** The engine's own records of runs: those of long ago are deleted, and the public ones stay. */
import { expect, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { readWatermark } from '../../src/sync/read/watermark.ts';
import { deleteOldRuns } from '../../src/sync/run-retention.ts';
import { connectInTest, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';

test('records of runs are deleted 100 days after their end, however many there are', async ({
  databaseUrl,
}) => {
  const database = openDatabase(databaseUrl);
  onTestFinished(() => database.close());
  const { sql } = database;
  const age = (id: string) =>
    sql`case when ${sql(id)} <= 2500 then interval '101 days' else interval '99 days' end`;
  await sql`insert into sync_logs (id, organization_id, operation_type, status, started_at, completed_at)
    select id, 1, 'full_patients', 'completed', now() - ${age('id')}, now() - ${age('id')} from generate_series(1, 2510) as id`;
  await sql`insert into sync_runs (sync_log_id, organization_id, operation_type, created_at, ended_at)
    select id, 1, 'full_patients', now() - interval '120 days', now() - ${age('id')} from generate_series(1, 2510) as id`;
  await sql`insert into sync_runs (sync_log_id, organization_id, operation_type, created_at)
    values (3000, 2, 'full_patients', now() - interval '120 days')`;

  const kept = async () =>
    (await sql<{ id: number }[]>`select sync_log_id as id from sync_runs order by 1`).map(({ id }) => id);
  const young = [...Array.from({ length: 10 }, (_, index) => 2501 + index), 3000];

  // One that another transaction holds is left to the next time.
  await connectInTest(databaseUrl).begin(async (tx) => {
    await tx`select from sync_runs where sync_log_id = 5 for update`;
    await deleteOldRuns(database);
    expect(await kept()).toEqual([5, ...young]);
  });
  await deleteOldRuns(database);

  expect(await kept()).toEqual(young);
  expect(await sql`select count(*)::int from sync_logs`).toEqual([{ count: 2510 }]);
});

test('the search for old records reads none of those that stay', async ({ databaseUrl }) => {
  const sql = connectInTest(databaseUrl);
  await sql`insert into sync_runs (sync_log_id, organization_id, operation_type, ended_at)
    select id, 1, 'full_patients', now() - interval '99 days' from generate_series(1, 100) as id`;
  await sql.begin(async (tx) => {
    // The table is small, so PostgreSQL would read it as a whole.
    await tx`set local enable_seqscan = off`;
    await tx`set local enable_bitmapscan = off`;
    await deleteOldRuns({ sql: tx });
    const read =
      await tx`select seq_tup_read, idx_tup_fetch from pg_stat_xact_user_tables where relname = 'sync_runs'`;
    expect(read).toEqual([{ seq_tup_read: '0', idx_tup_fetch: '0' }]);
  });
});

test('a run that is not proven does not take the place of a proven one whose record was deleted', async ({
  databaseUrl,
}) => {
  const { database, sql, ...engine } = await openEngine(databaseUrl);
  await engine.syncWith(scriptedSource(people(5)));
  await sql`update cliniko_credentials set updated_at = now() - interval '200 days'`;
  await sql`update sync_logs set started_at = started_at - interval '101 days'`;
  await sql`update sync_runs set ended_at = ended_at - interval '101 days', checkpoint = checkpoint
    || jsonb_build_object('keyVersion', (select extract(epoch from updated_at)::text from cliniko_credentials))`;
  expect(await engine.syncWith(scriptedSource([...people(5), { note: 'without an id' }]))).toMatchObject({
    status: 'completed',
    metadata: { proof: { proven: false } },
  });
  const ageInDays = async () =>
    Math.floor((Date.now() - Date.parse((await readWatermark(database, 123)) ?? '')) / 86_400_000);
  expect(await ageInDays()).toBeGreaterThan(90);

  await deleteOldRuns(database);
  expect(await readWatermark(database, 123)).toBeUndefined();
});
