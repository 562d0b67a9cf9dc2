/** Runs whose Cliniko does not respond properly: what they publish, which slots they use, and how they end. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { test } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { latestRun } from '../support/latest-run.ts';
import { putJson, startTestServer, type TestServer } from '../support/server.ts';

const start = (server: TestServer, organization = 123) =>
  server.api(`/cliniko/sync-all/${organization}`, { method: 'POST' });

const until = (server: TestServer, expected: object, { organization = 123, timeout = 15_000 } = {}) =>
  vi.waitFor(
    async () => {
      const log = await latestRun(server, organization);
      expect(log).toMatchObject(expected);
      return log;
    },
    { timeout, interval: 20 },
  );

const RETRYING = {
  status: 'running',
  metadata: {
    phase: 'waiting',
    waiting_until: expect.any(String),
    waiting_reason: expect.stringContaining('HTTP 503'),
    try: expect.any(Number),
    max_tries: 15,
  },
};

describe('a run whose Cliniko answers 503 for some time', () => {
  test('publishes the wait, its reason and the try, and completes', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.faults.onEvery({ kind: 'status', status: 503, times: 4 });
    await start(server);
    await until(server, RETRYING);
    const log = await until(server, { status: 'completed', records_success: 648 });
    expect(log.metadata).not.toHaveProperty('try');
    expect(log.metadata).not.toHaveProperty('waiting_until');
  });

  test('is cancelled within a second during a wait', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.faults.onEvery({ kind: 'status', status: 503 });
    await start(server);
    const { id } = await until(server, RETRYING);
    await server.api(`/cliniko/sync-logs/123/${id}/cancel`, { method: 'POST' });
    const log = await until(server, { status: 'failed' }, { timeout: 1_000 });
    expect(log.metadata.error_type).toBe('SYNC_CANCELLED');
    expect(log.metadata).not.toHaveProperty('try');
  });

  test('ends within seconds after its key was replaced, even before its first page', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.faults.onEvery({ kind: 'status', status: 503 });
    await start(server);
    await until(server, RETRYING);
    await putJson(server.api, '/organizations/123/cliniko-credentials', { api_key: 'MxAnother-au1' });
    const log = await until(server, { status: 'failed' }, { timeout: 8_000 });
    expect(log.metadata.error_type).toBe('SYNC_INTERRUPTED');
  });
});

describe('a run that cannot reach Cliniko', () => {
  test('waits and names the network error code, not the database', async ({ databaseUrl }) => {
    const cliniko = await startClinikoSimulator({ patients: 1, port: await freePort() });
    const server = await startTestServer(databaseUrl, { cliniko });
    await cliniko.close();
    await start(server);
    await until(server, { metadata: { waiting_reason: expect.stringContaining('ECONNREFUSED') } });
    expect(server.logged()).toContain('ECONNREFUSED');
    expect(server.logged()).not.toContain('the database is unavailable');
    expect((await latestRun(server)).metadata.attempt).toBe(1);
  });
});

describe('clinics whose Cliniko accepts connections and does not respond', () => {
  test('use no slot: a healthy clinic is not delayed', async ({ databaseUrl }) => {
    const hanging = [1, 2, 3, 4, 5, 6, 7, 8];
    const server = await startTestServer(databaseUrl, {
      organizations: [],
      config: { syncConcurrency: 8 },
    });
    const front = await serveHanging(server.cliniko.url, server.cliniko.apiKey);
    const behind = await startTestServer(databaseUrl, {
      organizations: [],
      cliniko: { ...server.cliniko, url: front },
      config: { syncConcurrency: 8 },
    });
    await server.stop();
    for (const id of [...hanging, 9]) {
      await putJson(behind.api, `/organizations/${id}`, { name: `Clinic ${id}` });
      const api_key = id === 9 ? server.cliniko.apiKey : `hangs-${id}-au1`;
      await putJson(behind.api, `/organizations/${id}/cliniko-credentials`, { api_key });
    }
    for (const id of hanging) await start(behind, id);
    for (const id of hanging) await until(behind, { metadata: { phase: 'fetching' } }, { organization: id });
    await start(behind, 9);
    await until(behind, { status: 'completed' }, { organization: 9, timeout: 12_000 });
    const reason = 'Waiting for an answer from Cliniko';
    for (const organization of hanging) {
      await until(
        behind,
        { metadata: { phase: 'waiting', waiting_reason: reason, try: 1 } },
        { organization },
      );
    }
  });
});

/** A proxy that forwards requests with this key and never answers others. @returns its base URL */
async function serveHanging(clinikoUrl: string, apiKey: string): Promise<string> {
  const healthy = `Basic ${Buffer.from(`${apiKey}:`).toString('base64')}`;
  const front = createServer(async (request, response) => {
    if (request.headers.authorization !== healthy) return;
    const headers = {
      authorization: healthy,
      accept: 'application/json',
      'user-agent': 'test (a@b.example)',
    };
    const answer = await fetch(clinikoUrl + (request.url ?? '').slice('/v1'.length), { headers });
    response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
  });
  await once(front.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    front.close();
    front.closeAllConnections();
  });
  const address = front.address();
  if (address === null || typeof address === 'string') throw new Error('The front server has no port.');
  return `http://127.0.0.1:${address.port}/v1`;
}
