/** One server for the tests of a file, with accounts and with organizations in every state that the old service knew. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { vi } from 'vitest';
import { createToken, type NewToken } from '../../../src/access/api-tokens.ts';
import { type Database, openDatabase } from '../../../src/database/open.ts';
import { createTestDatabase, test as databaseTest } from '../../support/database.ts';
import { putJson, startTestServer, type TestServer } from '../../support/server.ts';

/** Synced completely, 60 patients. */
export const SYNCED = 123;
/** Registered, with a key, never synced: the tests that start a run use it. */
export const NEW = 124;
/** Registered without a key; its one run failed. */
export const WITHOUT_KEY = 77;
/** Not registered; its rows come from another program. */
export const FOREIGN = 300;
/** Without rows and not registered. */
export const UNKNOWN = 999;

export interface OldService extends TestServer {
  database: Database;
  admin: string;
  /** The origin of an old panel: a page of another server. */
  panel: string;
  token(wish: Pick<NewToken, 'scope' | 'organizations'>): Promise<string>;
  /** A request below `/api/v1` by the administrator. */
  ask(method: string, path: string, headers?: Record<string, string>): Promise<Asked>;
}

interface Asked {
  status: number;
  headers: Headers;
  body: unknown;
}

export const test = databaseTest.extend<{ service: OldService }>({
  service: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the dependencies of a fixture from this pattern.
    async ({}, use) => {
      const cleanups: (() => Promise<void>)[] = [];
      const { url, drop } = await createTestDatabase();
      cleanups.push(drop);
      await use(await openOldService(url, (cleanup) => cleanups.push(cleanup)));
      for (const cleanup of cleanups.reverse()) await cleanup();
    },
    { scope: 'file' },
  ],
});

async function openOldService(
  databaseUrl: string,
  atEnd: (cleanup: () => Promise<void>) => void,
): Promise<OldService> {
  const panel = await servePanel(atEnd);
  const server = await startTestServer(databaseUrl, {
    patients: 60,
    organizations: [],
    config: { auth: 'tokens', allowedOrigins: [panel] },
    atEnd,
  });
  const database = openDatabase(databaseUrl, { max: 2 });
  atEnd(() => database.close());
  const token: OldService['token'] = async (wish) =>
    (await createToken(database, { name: 'Old client', expiresInDays: 1, ...wish })).token;
  const admin = await token({ scope: 'admin', organizations: '*' });
  const api: TestServer['api'] = (path, init = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has('authorization')) headers.set('authorization', `Bearer ${admin}`);
    return server.api(path, { ...init, headers });
  };
  const ask: OldService['ask'] = async (method, path, headers = {}) => {
    const response = await api(path, { method, headers });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? null : JSON.parse(text),
    };
  };
  const service = { ...server, api, database, admin, panel, token, ask };
  for (const id of [SYNCED, NEW, WITHOUT_KEY])
    await putJson(api, `/organizations/${id}`, { name: `Clinic ${id}` });
  for (const id of [SYNCED, NEW]) {
    await putJson(api, `/organizations/${id}/cliniko-credentials`, { api_key: server.cliniko.apiKey });
  }
  await ask('POST', `/cliniko/sync-all/${SYNCED}`);
  await ask('POST', `/cliniko/sync-all/${WITHOUT_KEY}`);
  await database.sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
    select ${FOREIGN}, 'patient_sync', status, timestamp '2026-03-04 05:06:07' + n * interval '1 hour', null
    from unnest(array['timeout', 'skipped', 'error', 'cancelled', 'success', 'warning']) with ordinality as old (status, n)`;
  await untilEnded(service, SYNCED);
  await untilEnded(service, WITHOUT_KEY);
  return service;
}

async function servePanel(atEnd: (cleanup: () => Promise<void>) => void): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<title>Panel</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** @returns the newest run, as the documented poll shows it */
export async function untilEnded(
  { api }: Pick<TestServer, 'api'>,
  organizationId: number,
): Promise<{ status: string }> {
  return await vi.waitFor(
    async () => {
      const { logs } = await (await api(`/cliniko/sync-logs/${organizationId}?limit=1`)).json();
      if (logs[0]?.status !== 'completed' && logs[0]?.status !== 'failed') throw new Error('It still runs.');
      return logs[0];
    },
    { timeout: 25_000, interval: 20 },
  );
}
