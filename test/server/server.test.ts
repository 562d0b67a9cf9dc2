import { Writable } from 'node:stream';
import { describe, expect } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { startServer } from '../../src/server/server.ts';
import { connectInTest, test } from '../support/database.ts';
import { CREDENTIALS_KEY, startTestServer } from '../support/server.ts';

const silent = () =>
  createLogger(
    { level: 'fatal', format: 'json', colour: false },
    new Writable({ write: (_chunk, _encoding, done) => done() }),
  );

const configOf = (databaseUrl: string) => ({
  ...readConfig({}, [], false),
  port: 0,
  databaseUrl,
  credentialsKey: CREDENTIALS_KEY,
});

describe('a server that cannot start', () => {
  test('leaves nothing running, wherever it failed', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    // One of the last steps.
    await sql`drop function sync_events_maintain`;
    await expect(startServer(configOf(databaseUrl), silent())).rejects.toThrow('sync_events_maintain');
    const sessions = () => sql`select application_name from pg_stat_activity
      where datname = current_database() and application_name like 'patient-sync%'`;
    await expect.poll(sessions).toEqual([]);
  });

  test('hands the runs over that it had claimed', async ({ databaseUrl }) => {
    const { cliniko, api, stop } = await startTestServer(databaseUrl);
    cliniko.faults.onEvery({ kind: 'hang' });
    await api('/cliniko/sync-all/123', { method: 'POST' });
    await stop();
    const sql = connectInTest(databaseUrl);
    // The start works on bulk operations after it has begun to work on runs.
    await sql`alter table bulk_operations rename column completed_at to ended_at`;
    const config = configOf(databaseUrl);
    const settings = { ...config, cliniko: { ...config.cliniko, baseUrl: cliniko.url } };
    await expect(startServer(settings, silent())).rejects.toThrow('completed_at');
    expect(await sql`select owner from sync_runs`).toEqual([{ owner: null }]);
  });

  test('because it has to stop does not wait for Cliniko', async ({ databaseUrl }) => {
    const { cliniko, stop } = await startTestServer(databaseUrl);
    await stop();
    const sql = connectInTest(databaseUrl);
    await sql`update organizations set paused_at = now(), paused_by = 'key', next_sync_at = null`;
    cliniko.faults.onEvery({ kind: 'hang' });
    const config = configOf(databaseUrl);
    const leaving = new AbortController();
    const starting = startServer(
      {
        ...config,
        clinic: { organizationId: 123, apiKey: cliniko.apiKey },
        cliniko: { ...config.cliniko, baseUrl: cliniko.url },
      },
      silent(),
      leaving.signal,
    );
    await expect.poll(() => cliniko.requests.length, { timeout: 10_000 }).toBe(1);
    const began = performance.now();
    leaving.abort();
    await expect(starting).rejects.toBe(leaving.signal.reason);
    // Half of what an answer may take.
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await sql`select paused_by from organizations`).toEqual([{ paused_by: 'key' }]);
  });
});
