/** What old panels and scripts read: counts that agree, numbers where they format numbers, 200 everywhere. */
import { describe, expect, onTestFinished, vi } from 'vitest';
import { test } from '../support/database.ts';
import { putJson, startTestServer, type TestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

type Json = Record<string, unknown>;

async function get(server: TestServer, path: string, headers: Record<string, string> = {}) {
  const response = await server.api(path, { headers });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as Json,
  };
}

const POLLED = [
  '/cliniko/status/123',
  '/cliniko/sync/dashboard/123',
  '/sync/dashboard/123',
  '/sync/status/organization/123',
  '/dashboard/123',
  '/dashboard/123/summary',
  '/dashboard/123/activity',
  '/admin/organization-services/123',
  '/sync/history/123',
];

describe('after a sync of 60 patients', () => {
  test('all panels agree on the counts', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    await wholeSync(server);
    const summary = (await get(server, '/cliniko/patients/123/summary')).body;
    const { total, active } = summary as { total: number; active: number };
    expect(total).toBe(60);

    const status = await get(
      server,
      '/cliniko/status/123?include_logs=true&include_health_check=1&logs_limit=3',
    );
    expect(status.body).toMatchObject({
      organization_id: 123,
      total_patients: total,
      active_patients: active,
      synced_patients: total,
      sync_percentage: 100,
      status: 'connected',
      sync_status: 'completed',
      patient_counts: { total_in_cliniko: total, synced_to_database: total, success_rate: 100 },
      total_contacts: total,
      upcoming_appointments: 0,
      cliniko_connected: true,
      credentials_valid: true,
      sync_logs: [{ status: 'completed', error_message: null }],
      sync_logs_count: 1,
      health_check: { has_credentials: true, has_patients: true, high_sync_rate: true },
    });
    expect(status.body.last_sync_time).toEqual(expect.stringMatching(/Z$/));

    const dashboard = await get(server, '/cliniko/sync/dashboard/123');
    expect(dashboard.body).toMatchObject({
      current_sync: null,
      patient_stats: {
        total_patients: total,
        active_patients: active,
        last_sync_time: status.body.last_sync_time,
      },
      last_sync: { status: 'completed', records_success: total },
      sync_available: true,
    });
    expect((await get(server, '/dashboard/123')).body).toMatchObject({
      success: true,
      summary: {
        total_patients: total,
        active_patients: active,
        sync_percentage: 100,
        integration_status: 'Connected',
        activity_status: 'Active',
      },
      recent_activity: [{ status: 'completed', activity_type: 'success', minutes_ago: 0 }],
    });
    expect((await get(server, '/admin/organization-services/123')).body).toMatchObject({
      total_services: 1,
      services: [{ service_name: 'cliniko', is_active: true, service_config: {} }],
      available_integrations: ['cliniko'],
    });
    expect((await get(server, '/cliniko/test-connection/123')).body).toMatchObject({
      success: true,
      total_patients_available: total,
      total_patients: total,
      sample_patients_available: true,
      sample_patients_count: 1,
      connection_test: 'passed',
    });
  });

  test('the lists hold the active patients, page by page, in the old shape', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    await wholeSync(server);
    const { active } = (await get(server, '/cliniko/patients/123/summary')).body as { active: number };
    // Times that PostgreSQL cannot read, and no time at all: none of them filters.
    for (const time of ['%2B012345-01-01T00:00:00Z', '-000001-01-01T00:00:00Z', '0000-01-01', 'soon']) {
      const { status, body } = await get(server, `/cliniko/active-patients/123?last_synced_after=${time}`);
      expect(status, time).toBe(200);
      expect(body.total_count, time).toBe(active);
    }
    const seen = new Set<unknown>();
    for (let offset = 0; offset < active; offset += 20) {
      const { status, headers, body } = await get(
        server,
        `/cliniko/active-patients/123?limit=20&offset=${offset}`,
      );
      expect(status).toBe(200);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(body.pagination).toMatchObject({
        total: active,
        limit: 20,
        offset,
        has_next: offset + 20 < active,
      });
      for (const patient of body.patients as Json[]) {
        expect(patient).toMatchObject({
          is_active: true,
          recent_appointments: [],
          total_appointment_count: 0,
        });
        expect(patient.id).toBe(patient.cliniko_patient_id);
        seen.add(patient.id);
      }
    }
    expect(seen.size).toBe(active);
    const stats = await get(server, '/cliniko/patients/123/stats?include_details=true&limit=7');
    expect(stats.body).toMatchObject({ total_active_patients: active, patient_details_count: 7 });
    const summary = await get(server, '/cliniko/active-patients-summary/123');
    expect(summary.body).toMatchObject({ total_active_patients: active, avg_total_appointments: 0 });
  });
});

test('the share of stored patients is that of all patients, whatever kind of run is the newest', async ({
  databaseUrl,
}) => {
  const server = await startTestServer(databaseUrl, { patients: 200 });
  const settings = { name: 'Clinic', validation: { phone: 'warn', email: 'require' } };
  await putJson(server.api, '/organizations/123', settings);
  const shares = () =>
    Promise.all(
      [1, 5, 100].map(async (limit) => {
        const { body } = await get(server, `/cliniko/status/123?logs_limit=${limit}`);
        return [body.sync_percentage, body.patient_counts];
      }),
    );
  const full = await wholeSync(server);
  expect(full.records_failed).toBeGreaterThan(0);
  const share = Math.round((full.records_success / 200) * 1_000) / 10;
  const counts = { total_in_cliniko: 200, synced_to_database: full.records_success, success_rate: share };
  const expected = Array.from({ length: 3 }, () => [share, counts]);
  expect(await shares()).toEqual(expected);
  for (const kind of ['sync-changed', 'sync-active']) {
    await wholeSync(server, kind);
    expect(await shares(), kind).toEqual(expected);
  }
});

test('a time without a zone is UTC, wherever the server is', async ({ databaseUrl }) => {
  const server = await startTestServer(databaseUrl, { patients: 60 });
  const log = await wholeSync(server);
  vi.stubEnv('TZ', 'Australia/Brisbane');
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(new Date(0).getHours()).toBe(10);
  const syncedAfter = async (ms: number, write: (utc: string) => string) => {
    const time = write(new Date(Date.parse(String(log.completed_at)) + ms).toISOString().slice(0, -1));
    return (await get(server, `/cliniko/active-patients/123?last_synced_after=${time}`)).body.total_count;
  };
  const forms = [
    (utc: string) => utc,
    (utc: string) => utc.replace('T', ' '),
    (utc: string) => `${utc}Z`,
    (utc: string) => `${utc}%2B00:00`,
  ];
  for (const write of forms) {
    expect(await syncedAfter(-60_000, write)).toBeGreaterThan(0);
    expect(await syncedAfter(60_000, write)).toBe(0);
  }
});

test('an organization that is not registered, or has no run, has zeros and no error', async ({
  databaseUrl,
}) => {
  const server = await startTestServer(databaseUrl, { organizations: [123] });
  for (const path of POLLED) expect((await get(server, path)).status, path).toBe(200);
  expect((await get(server, '/cliniko/status/999')).body).toMatchObject({
    status: 'no_data',
    total_patients: 0,
    sync_percentage: 0,
    last_sync_time: null,
  });
});

test('a panel that polls an organization gets 304 while nothing changes, and the new state once it has', async ({
  databaseUrl,
}) => {
  const server = await startTestServer(databaseUrl, { patients: 60 });
  for (const path of ['/cliniko/status/123', '/sync/dashboard/123', '/dashboard/123/summary']) {
    const first = await get(server, path);
    const etag = first.headers.get('etag') ?? '';
    expect(first.headers.get('cache-control')).toBe('private, no-cache');
    expect((await get(server, path, { 'if-none-match': etag })).status, path).toBe(304);
  }
  const before = (await get(server, '/cliniko/status/123')).headers.get('etag') ?? '';
  await wholeSync(server);
  const after = await get(server, '/cliniko/status/123', { 'if-none-match': before });
  expect(after).toMatchObject({ status: 200, body: { total_patients: 60 } });
});

test('a refused or missing key is described in words, with status 200', async ({ databaseUrl }) => {
  const server = await startTestServer(databaseUrl, { organizations: [] });
  await server.api('/organizations/77', { method: 'PUT', body: '{}' });
  expect((await get(server, '/cliniko/test-connection/77')).body).toMatchObject({
    success: false,
    connection_test: 'failed',
    error: 'NO_API_KEY',
  });
  await server.api('/organizations/77/cliniko-credentials', {
    method: 'PUT',
    body: '{"api_key":"wrong-au1"}',
  });
  expect(await get(server, '/cliniko/test-connection/77')).toMatchObject({
    status: 200,
    body: { success: false, error: 'CLINIKO_AUTH_FAILED' },
  });
  expect(await get(server, '/cliniko/test-connection/78')).toMatchObject({
    status: 200,
    body: { success: false, error: 'ORGANIZATION_NOT_FOUND' },
  });
});

test('a key that was stored after the refused run counts as valid, the same key again does not', async ({
  databaseUrl,
}) => {
  const server = await startTestServer(databaseUrl, { organizations: [] });
  const store = (key: string) =>
    server.api('/organizations/77/cliniko-credentials', {
      method: 'PUT',
      body: JSON.stringify({ api_key: key }),
    });
  const runFails = async () => {
    await server.api('/cliniko/sync-all/77', { method: 'POST' });
    await vi.waitFor(async () =>
      expect((await get(server, '/cliniko/status/77')).body.sync_status).toBe('failed'),
    );
  };
  const isValid = async () => {
    const status = (await get(server, '/cliniko/status/77?include_health_check=true')).body;
    const { credentials_valid: valid } = status;
    expect(status).toMatchObject({ cliniko_connected: valid, health_check: { credentials_active: valid } });
    return valid;
  };
  await server.api('/organizations/77', { method: 'PUT', body: '{}' });
  await runFails();
  expect(await isValid()).toBe(false);
  await store('wrong-au1');
  expect(await isValid()).toBe(true);
  await runFails();
  await store('wrong-au1');
  expect(await isValid()).toBe(false);
  await store(server.cliniko.apiKey);
  expect(await isValid()).toBe(true);
});

test('a deleted organization has no data, although its logs stay', async ({ databaseUrl }) => {
  const server = await startTestServer(databaseUrl, { patients: 5 });
  await wholeSync(server);
  const shown = async () => (await get(server, '/cliniko/status/123')).body;
  expect(await shown()).toMatchObject({ status: 'connected', total_patients: 5 });
  await server.api('/organizations/123', { method: 'DELETE' });
  expect(await shown()).toMatchObject({ status: 'no_data', total_patients: 0, cliniko_connected: false });
});
