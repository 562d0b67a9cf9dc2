import { describe, expect, vi } from 'vitest';
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
