/** The triggers of `sync_logs` and `patients`, as statements of another program meet them. */
import { randomBytes } from 'node:crypto';
import { expect, onTestFinished } from 'vitest';
import { connectInTest, test } from '../support/database.ts';

test.for([
  ['changed', 'update sync_logs set records_processed = 3'],
  ['moved', 'update sync_logs set organization_id = organization_id - 20 where organization_id > 20'],
  ['deleted', 'delete from sync_logs'],
])(
  'rows of many organizations are %s in the order of these, so two statements do not deadlock',
  async ([, statement = ''], { databaseUrl }) => {
    const [writer, holder] = [connectInTest(databaseUrl), connectInTest(databaseUrl)];
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
    select n, 'x', 'failed', now() from generate_series(40, 1, -1) as n`;
    await holder`begin`;
    await holder`select from sync_streams where organization_id = 1 for update`;
    const writing = writer.unsafe(statement).execute();
    const waiting = () => sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    await expect.poll(waiting).toHaveLength(1);
    // It waits for the first one, and has locked none after it.
    expect(await holder`select from sync_streams for update nowait`).toHaveLength(40);
    await holder`commit`;
    await writing;
  },
);

test('events are later than those before them, whenever the transaction began', async ({ databaseUrl }) => {
  const [sql, other] = [connectInTest(databaseUrl), connectInTest(databaseUrl)];
  const insert = (count: number) => other`
    insert into sync_logs (organization_id, operation_type, status, started_at)
    select 5, 'x', 'failed', now() from generate_series(1, ${count}::int)`;
  await sql`begin`;
  await sql`select now()`;
  await insert(1);
  await insert(2);
  await sql`update sync_logs set records_processed = 1 where id = (select min(id) from sync_logs)`;
  await sql`commit`;
  await sql`begin`;
  await sql`select now()`;
  await insert(2);
  await sql`update sync_logs set records_processed = 2`;
  await sql`commit`;
  const times = await sql<{ at: string }[]>`select at::text as at from sync_events order by seq`;
  expect(times.map(({ at }) => at)).toEqual(times.map(({ at }) => at).toSorted());
});

test('a program that has no right on the logs writes runs and patients in every way', async ({
  databaseUrl,
}) => {
  const sql = connectInTest(databaseUrl);
  const role = `u_${randomBytes(6).toString('hex')}`;
  await sql.unsafe(`create role ${role} bypassrls;
    grant all on sync_logs, patients to ${role};
    grant all on all sequences in schema public to ${role};
    grant execute on function sync_status_word, sync_log_status to ${role};
    insert into webhook_endpoints (organization_id, url, sealed_secret, events)
      values (null, 'https://example.com', '', '{sync.failed}')`);
  onTestFinished(async () => {
    await sql.unsafe(`reset role; drop owned by ${role}; drop role ${role}`);
  });
  await sql.unsafe(`set role ${role}`);
  const run = 'organization_id, operation_type, status, started_at';
  const patient = 'organization_id, cliniko_patient_id, raw, content_hash, warnings';
  for (const statement of [
    `insert into sync_logs (${run}) values (5, 'x', 'running', now()), (6, 'x', 'completed', now())`,
    `update sync_logs set status = 'failed' where organization_id = 5`,
    `insert into patients (${patient}) values (5, '1', '{}', '', 0), (5, '2', '{}', '', 0)`,
    `update patients set first_name = 'x'`,
    'delete from sync_logs where organization_id = 6',
    `delete from patients where cliniko_patient_id = '1'`,
    'truncate sync_logs',
    'truncate patients',
  ]) {
    await sql.unsafe(statement);
  }
  await sql`reset role`;
  const [logged] = await sql`select (select sum(head)::int from sync_streams) as events,
    (select sum(head)::int from patient_change_streams) as changes,
    (select count(*)::int from webhook_deliveries) as messages`;
  expect(logged).toEqual({ events: 6, changes: 6, messages: 1 });
});
