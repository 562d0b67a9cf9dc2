import { describe, expect } from 'vitest';
import { Organization } from '#contract/organization.ts';
import { test } from '../support/database.ts';
import { putJson, startTestServer, type TestServer } from '../support/server.ts';

const get = async (server: TestServer, path: string) => (await server.api(path)).json();

describe('an organization', () => {
  test('has defaults, and a change updates only the named settings', async ({ databaseUrl }) => {
    const { api, ...server } = await startTestServer(databaseUrl, { organizations: [] });
    await putJson(api, '/organizations/5', { name: 'Harbour' });
    await putJson(api, '/organizations/5', { validation: { phone: 'reject' } });
    await putJson(api, '/organizations/5', { country: 'GB' });

    expect(Organization.parse(await get({ api, ...server }, '/organizations/5'))).toEqual({
      organization_id: 5,
      name: 'Harbour',
      country: 'GB',
      time_zone: 'Australia/Sydney',
      schedule: null,
      validation: { phone: 'reject', email: 'optional' },
      paused: false,
      paused_reason: null,
      paused_at: null,
      paused_by: null,
      everything_paused: false,
      has_credentials: false,
      next_sync_at: null,
      schedule_error: null,
    });
    await putJson(api, '/organizations/5', { name: null });
    expect(await get({ api, ...server }, '/organizations')).toEqual({
      organizations: [{ organization_id: 5, name: null }],
    });
  });

  test('keeps both of two simultaneous changes', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    await Promise.all([
      putJson(server.api, '/organizations/5', { name: 'Harbour' }),
      putJson(server.api, '/organizations/5', { country: 'GB' }),
      putJson(server.api, '/organizations/5', { time_zone: 'Europe/London' }),
    ]);

    expect(await get(server, '/organizations/5')).toMatchObject({
      name: 'Harbour',
      country: 'GB',
      time_zone: 'Europe/London',
    });
  });
});

describe('a name with control characters', () => {
  test.for([['a\u0000b'], ['a\nb'], ['\u001b[31mred']])('is refused: %j', async ([name], { databaseUrl }) => {
    const { api } = await startTestServer(databaseUrl);
    const refused = await api('/organizations/123', { method: 'PUT', body: JSON.stringify({ name }) });

    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ code: 'INVALID_PARAMETER', field: 'name' });
  });
});

describe('the verdict on a key', () => {
  test.for([
    ['valid', undefined, /accepts this key/],
    ['invalid', { kind: 'status', status: 401 }, /does not accept this key/],
    ['invalid', { kind: 'status', status: 403 }, /may not read patients/],
    ['unknown', { kind: 'status', status: 400 }, /\(HTTP 400\)\. Try again/],
    ['unknown', { kind: 'rate-limited', reset: 60 }, /at Cliniko's rate limit\. Try again/],
    ['unknown', { kind: 'status', status: 503 }, /\(HTTP 503\)\. Try again/],
    ['unknown', { kind: 'reset' }, /could not be reached .*\([A-Z_]+\)\. Try again/],
  ] as const)('is %s when Cliniko answers %j', async ([verdict, fault, detail], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    if (fault !== undefined) server.cliniko.faults.onEvery(fault);
    const answer = await server.api('/organizations/123/cliniko-credentials/verify', { method: 'POST' });

    expect(await answer.json()).toMatchObject({ verdict, detail: expect.stringMatching(detail) });
  });

  test('is missing without a key, and no request is sent', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    await putJson(server.api, '/organizations/5', {});
    const answer = await server.api('/organizations/5/cliniko-credentials/verify', { method: 'POST' });

    expect(await answer.json()).toMatchObject({ verdict: 'missing' });
    expect(server.cliniko.requests).toHaveLength(0);
  });
});

describe('a key that is checked before it is stored', () => {
  const KEY = '/organizations/123/cliniko-credentials';
  const putKey = (server: TestServer, body: unknown) =>
    server.api(KEY, { method: 'PUT', body: JSON.stringify(body) });
  const verify = async (server: TestServer, body?: object) =>
    (await server.api(`${KEY}/verify`, { method: 'POST', body: JSON.stringify(body) })).json();

  test('replaces the stored one only when Cliniko accepts it', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const { apiKey } = server.cliniko;
    const refused = await putKey(server, { api_key: 'not-the-key-au1', check: true });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({
      code: 'CLINIKO_AUTH_FAILED',
      detail:
        'Cliniko does not accept this key. Copy it again from My Info in Cliniko, or make a new one there. The key was not stored.',
    });
    expect(await verify(server)).toMatchObject({ verdict: 'valid' });

    // Unchecked keys are stored as they are, as before.
    expect((await putKey(server, { api_key: 'not-the-key-au1' })).status).toBe(204);
    expect(await verify(server)).toMatchObject({ verdict: 'invalid' });
    expect((await putKey(server, { api_key: apiKey, check: true })).status).toBe(204);
    expect(await verify(server)).toMatchObject({ verdict: 'valid' });
    expect(server.logged()).not.toContain(apiKey);
  });

  test.for([
    [422, 'CLINIKO_AUTH_FAILED', { kind: 'status', status: 403 }],
    [503, 'CLINIKO_UNAVAILABLE', { kind: 'status', status: 503 }],
    [503, 'CLINIKO_UNAVAILABLE', { kind: 'rate-limited', reset: 60 }],
  ] as const)('is a %d %s when Cliniko answers %j', async ([status, code, fault], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    await putJson(server.api, '/organizations/123', {});
    server.cliniko.faults.onEvery(fault);
    const refused = await putKey(server, { api_key: server.cliniko.apiKey, check: true });

    expect(refused.status).toBe(status);
    expect(await refused.json()).toMatchObject({ code });
    expect(await get(server, '/organizations/123')).toMatchObject({ has_credentials: false });
  });

  test('can be verified without being stored', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    await putJson(server.api, '/organizations/123', {});
    expect(await verify(server, { api_key: server.cliniko.apiKey })).toMatchObject({ verdict: 'valid' });
    expect(await verify(server, { api_key: 'not-the-key-au1' })).toEqual({
      verdict: 'invalid',
      detail: expect.any(String),
    });
    expect(await verify(server, {})).toMatchObject({
      detail: 'No key is stored for this organization. Add its Cliniko API key.',
    });
    expect(await get(server, '/organizations/123')).toMatchObject({ has_credentials: false });
    expect(await verify(server, { key: 'x' })).toMatchObject({ code: 'INVALID_PARAMETER', field: 'key' });
  });
});

describe('a key that this server cannot open', () => {
  test('ends the start of the server, which names the variable', async ({ databaseUrl }) => {
    const first = await startTestServer(databaseUrl);
    const config = { credentialsKey: Buffer.alloc(32, 8) };
    const second = startTestServer(databaseUrl, { cliniko: first.cliniko, organizations: [], config });
    await expect(second).rejects.toThrow('CREDENTIALS_KEY');
    expect(first.cliniko.requests).toHaveLength(0);
  });
});

describe('analytics', () => {
  test('are written for runs without patients too', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 0 });
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await expect
      .poll(() => get(server, '/cliniko/analytics/123'), { timeout: 10_000 })
      .toMatchObject({
        success_by_day: [{ total_syncs: 1, avg_success_rate: null }],
        performance_by_operation: [{ operation_type: 'full_patients', avg_patients_processed: 0 }],
      });
  });
});
