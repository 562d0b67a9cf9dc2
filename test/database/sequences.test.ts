import { describe, expect, vi } from 'vitest';
import { advanceSequences, OWN_TABLES } from '../../src/database/sequences.ts';
import { connectInTest, test } from '../support/database.ts';
import { putJson, startTestServer } from '../support/server.ts';

const START = { method: 'POST' };

const load = (databaseUrl: string) => connectInTest(databaseUrl)`
  insert into sync_logs (id, organization_id, operation_type, status, started_at, completed_at)
  select n, 5, 'full_patients', 'completed', now() at time zone 'utc', now() at time zone 'utc'
  from generate_series(1, 40) as n`;

describe('rows of sync_logs that were loaded with their ids', () => {
  test('before the start: a sync starts with the next id', async ({ databaseUrl }) => {
    await load(databaseUrl);
    const server = await startTestServer(databaseUrl, { patients: 1 });
    const started = await (await server.api('/cliniko/sync-all/123', START)).json();
    expect(started).toMatchObject({ sync_log_id: 41, already_running: false });
  });

  test('whose sequence belongs to no column: a sync starts with the next id', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await sql`create sequence their_ids`;
    await sql`alter table sync_logs alter id set default nextval('their_ids')`;
    await sql`drop sequence sync_logs_id_seq`;
    await load(databaseUrl);
    const server = await startTestServer(databaseUrl, { patients: 1 });
    const start = async () => await (await server.api('/cliniko/sync-all/123', START)).json();
    expect(await start()).toMatchObject({ sync_log_id: 41, already_running: false });
    await vi.waitFor(async () =>
      expect(await sql`select from sync_logs where status = 'running'`).toHaveLength(0),
    );
    await sql`insert into sync_logs (id, organization_id, operation_type, status, started_at)
      values (42, 5, 'full_patients', 'completed', now())`;
    expect(await start()).toMatchObject({ sync_log_id: 43, already_running: false });
  });

  test('beside a text that contains numbers of a sequence: a sync starts with the next id', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    await sql`create sequence their_numbers`;
    await sql`alter table sync_logs add reference text default 'run-' || nextval('their_numbers')`;
    await load(databaseUrl);
    const server = await startTestServer(databaseUrl, { patients: 1 });
    const started = await (await server.api('/cliniko/sync-all/123', START)).json();
    expect(started).toMatchObject({ sync_log_id: 41, already_running: false });
  });

  test('while the server runs: a start with an id conflict advances the sequence', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 1 });
    await load(databaseUrl);
    const response = await server.api('/cliniko/sync-all/123', START);
    expect(response.ok).toBe(true);
    expect(await response.json()).toMatchObject({ already_running: false });
  });
});

describe('rows that were copied with their ids, as by a logical replication', () => {
  test('hold up no later row of their table', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    const numbered = await sql<{ name: string }[]>`
      select distinct t.relname as name from pg_class s
      join pg_depend d on d.objid = s.oid and d.deptype in ('a', 'i') join pg_class t on t.oid = d.refobjid
      where s.relkind = 'S' and t.relnamespace = 'public'::regnamespace and t.relname <> 'patient_changes_pending'`;
    expect([...OWN_TABLES].sort()).toEqual(numbered.map(({ name }) => name).sort());
  });

  test('hold up no run that ends: its notice has an id of its own', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await sql`insert into webhook_endpoints (kind, url, sealed_secret, events, digest)
      values ('slack', 'https://example.com', '', '{sync.failed}', true)`;
    await sql`insert into webhook_notices (id, endpoint_id, organization_id, event, body) overriding system value
      values (1, 1, 5, 'sync.failed', '{}')`;
    await advanceSequences(sql);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (5, 'full_patients', 'failed', now() at time zone 'utc')`;
    expect(await sql`select id from webhook_notices order by id`).toMatchObject([{ id: '1' }, { id: '2' }]);
  });
});

test('a schedule with an id conflict starts its sync', async ({ databaseUrl }) => {
  const server = await startTestServer(databaseUrl, { patients: 1 });
  const sql = connectInTest(databaseUrl);
  await load(databaseUrl);
  await putJson(server.api, '/organizations/123', { schedule: { cron: '0 3 * * *', time_zone: 'UTC' } });
  await sql`update organizations set next_sync_at = clock_timestamp() where id = 123`;
  await vi.waitFor(
    async () => expect(await sql`select from sync_logs where organization_id = 123`).toHaveLength(1),
    {
      timeout: 15_000,
    },
  );
});

test('every sequence is logged: PostgreSQL loses an unlogged one when it promotes a standby', async ({
  databaseUrl,
}) => {
  const sql = connectInTest(databaseUrl);
  expect(await sql`select relname from pg_class where relkind = 'S' and relpersistence <> 'p'`).toEqual([]);
});
