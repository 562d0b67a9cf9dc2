/** Scripts of the old service start a sync, compare the status with 200, and poll until it ends. */
import { describe, expect, vi } from 'vitest';
import { connectInTest, test } from '../support/database.ts';
import { holdPage } from '../support/held-page.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

type Json = Record<string, unknown>;

async function post(server: TestServer, path: string, headers?: Record<string, string>) {
  const response = await server.api(path, { method: 'POST', ...(headers && { headers }) });
  return { status: response.status, body: (await response.json()) as Json };
}

async function ended(server: TestServer, organizationId = 123): Promise<Json> {
  return await vi.waitFor(
    async () => {
      const response = await server.api(`/sync/status/organization/${organizationId}`);
      const progress = (await response.json()) as Json;
      if (progress.status !== 'completed' && progress.status !== 'failed')
        throw new Error(String(progress.status));
      return progress;
    },
    { timeout: 20_000, interval: 20 },
  );
}

describe('POST /cliniko/sync/:org', () => {
  test.for([
    ['', 'incremental', 'changed_patients'],
    ['?mode=incremental&force_full=true', 'incremental', 'full_patients'],
    ['?force_full=T', 'incremental', 'full_patients'],
    ['?mode=comprehensive', 'comprehensive', 'full_patients'],
    ['?mode=basic&unknown=1', 'basic', 'full_patients'],
    ['?mode=patients-only', 'patients-only', 'full_patients'],
  ] as const)('with "%s" starts a sync in mode %s', async ([query, mode, type], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 30 });
    const { status, body } = await post(server, `/cliniko/sync/123${query}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      success: true,
      organization_id: 123,
      operation_type: type,
      sync_mode: mode,
      already_running: false,
      result: { sync_mode: mode },
    });
    expect(await ended(server)).toMatchObject({
      status: 'completed',
      patients_found: 30,
      progress_percentage: 100,
    });
  });

  test('refuses another mode and an unknown organization, with a detail', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    expect(await post(server, '/cliniko/sync/123?mode=turbo')).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('incremental') },
    });
    expect((await post(server, '/cliniko/sync/999')).status).toBe(404);
  });
});

test('every other way to start answers 200, with or without a trailing slash, and says when one is running', async ({
  databaseUrl,
}) => {
  const server = await startTestServer(databaseUrl, { latencyMs: 60_000 });
  expect(await post(server, '/cliniko/sync-comprehensive/123/')).toMatchObject({
    status: 200,
    body: { success: true, already_running: false },
  });
  expect(await post(server, '/cliniko/sync-simple/123')).toMatchObject({
    status: 200,
    body: { already_running: true, message: expect.stringContaining('already in progress') },
  });
  expect(await post(server, '/cliniko/sync/schedule/123')).toMatchObject({
    status: 200,
    body: { sync_scheduled: false, organization_id: 123 },
  });
  expect(await post(server, '/sync/trigger', { 'x-organization-id': '123' })).toMatchObject({
    status: 200,
    body: { sync_started: false },
  });
  expect((await post(server, '/sync/trigger')).status).toBe(400);
});

test('an organization without a key starts a run that fails, so that the log shows why', async ({
  databaseUrl,
}) => {
  const server = await startTestServer(databaseUrl, { organizations: [] });
  await server.api('/organizations/77', { method: 'PUT', body: '{}' });
  expect((await post(server, '/cliniko/sync-simple/77')).status).toBe(200);
  expect(await ended(server, 77)).toMatchObject({
    status: 'failed',
    errors: [expect.stringContaining('Cliniko API authentication failed')],
  });
});

describe('the progress API', () => {
  test('gives an id at the start with which the run is followed to its end', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const letGo = holdPage(server, 7);
    const { status, body } = await post(server, '/sync/start/123?sync_mode=full');
    expect(status).toBe(200);
    expect(body).toMatchObject({ sync_mode: 'full', status: 'starting', organization_id: 123 });
    const id = String(body.sync_id);
    expect(id).toMatch(/^sync_123_\d{8}_\d{6}$/);
    expect(await post(server, '/sync/start/123')).toMatchObject({
      status: 200,
      body: { sync_id: id, message: expect.stringContaining('already in progress') },
    });
    letGo();
    const steps: number[] = [];
    await vi.waitFor(
      async () => {
        const progress = (await (await server.api(`/sync/progress/${id}`)).json()) as Json;
        expect(progress).toMatchObject({ sync_id: id, total_steps: 8, appointments_found: 0 });
        steps.push(Number(progress.current_step_number));
        if (progress.status !== 'completed') throw new Error(`Still ${progress.status}`);
      },
      { timeout: 20_000, interval: 10 },
    );
    expect(steps).toEqual([...steps].sort((one, other) => one - other));
    expect(steps.at(-1)).toBe(8);
  });

  test('refuses an unknown mode with 422', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    expect((await post(server, '/sync/start/123?sync_mode=turbo')).status).toBe(422);
    expect((await post(server, '/sync/start/123?sync_mode=constructor')).status).toBe(422);
  });

  test('says when an organization has no run', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const response = await server.api('/sync/status/organization/123');
    expect(await response.json()).toMatchObject({ organization_id: 123, status: 'no_sync_found' });
  });

  test('keeps the step at which a run was cancelled, or Cliniko refused its key', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 30_000 });
    const progressOf = async (id: unknown) => (await (await server.api(`/sync/status/${id}`)).json()) as Json;
    const { body } = await post(server, '/sync/start/123?sync_mode=full');
    await vi.waitFor(async () =>
      expect(await progressOf(body.sync_id)).toMatchObject({ current_step_number: 3 }),
    );
    await server.api(`/sync/cancel/${body.sync_id}`, { method: 'DELETE' });
    await vi.waitFor(async () =>
      expect(await progressOf(body.sync_id)).toMatchObject({ status: 'cancelled' }),
    );
    expect(await progressOf(body.sync_id)).toMatchObject({ current_step_number: 3 });

    server.cliniko.behaviour.latencyMs = 0;
    await server.api('/organizations/123/cliniko-credentials', {
      method: 'PUT',
      body: '{"api_key":"wrong-au1"}',
    });
    await post(server, '/sync/start/123?sync_mode=full');
    expect(await ended(server)).toMatchObject({ status: 'failed', current_step_number: 3 });
  });

  test('lists what runs, and cancels by id; a second cancel is answered 200 too', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 60_000 });
    const { body } = await post(server, '/sync/start/123?sync_mode=full');
    const active = (await (await server.api('/sync/active')).json()) as {
      active_syncs: Json[];
      total_active: number;
    };
    expect(active).toMatchObject({
      total_active: 1,
      active_syncs: [{ sync_id: body.sync_id, organization_id: 123 }],
    });
    const cancel = () => server.api(`/sync/cancel/${body.sync_id}`, { method: 'DELETE' });
    expect((await cancel()).status).toBe(200);
    await vi.waitFor(async () => {
      const progress = (await (await server.api(`/sync/status/${body.sync_id}`)).json()) as Json;
      expect(progress.status).toBe('cancelled');
    });
    const again = await cancel();
    expect(again.status).toBe(200);
    expect(await again.json()).toMatchObject({ success: true, message: expect.stringContaining('already') });
  });

  test('only force ends the run of another program, and cleanup ends the stale ones', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (123, 'patient_sync', 'running', '2026-03-04 05:06:07')`;
    const id = 'sync_123_20260304_050607';
    expect((await server.api(`/sync/cancel/${id}`, { method: 'DELETE' })).status).toBe(409);
    const forced = await server.api(`/sync/force-cancel/${id}`, { method: 'DELETE' });
    expect(forced.status).toBe(200);
    expect(await forced.json()).toMatchObject({ success: true, previous_status: 'running' });
    expect(await (await server.api(`/sync/status/${id}`)).json()).toMatchObject({ status: 'cancelled' });
    const cleaned = await post(server, '/sync/cleanup');
    expect(cleaned).toMatchObject({ status: 200, body: { cleaned_syncs: 0 } });
  });

  test('counts its history over all rows, not only over those it shows', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
      select 123, 'full_patients', case when n % 3 = 0 then 'failed' else 'completed' end,
        timestamp '2026-03-04 00:00:00' + n * interval '1 hour', timestamp '2026-03-04 00:00:10' + n * interval '1 hour'
      from generate_series(1, 30) as n`;
    expect(await (await server.api('/sync/history/123?limit=5')).json()).toMatchObject({
      total_syncs: 30,
      successful_syncs: 20,
      failed_syncs: 10,
      average_sync_duration_seconds: 10,
      recent_syncs: { length: 5 },
      sync_history: { length: 5 },
    });
  });
});
