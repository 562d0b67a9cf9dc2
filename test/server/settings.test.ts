/** Settings whose effect no other test sees: each is read from the environment, and the server acts on it. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { describe, expect, vi } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { changeTimers } from '../support/change-timers.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

type Environment = Record<string, string>;

/** The settings of these variables only: those of the test server stay. */
function settingsOf(environment: Environment) {
  const [given, unset] = [readConfig(environment, [], false), readConfig({}, [], false)];
  const changed = Object.entries(given).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(unset[name as keyof typeof unset]),
  );
  expect(changed).toHaveLength(Object.keys(environment).length);
  return Object.fromEntries(changed);
}

const start = (databaseUrl: string, environment: Environment) =>
  startTestServer(databaseUrl, { organizations: [], config: settingsOf(environment) });

async function keepAliveOf(url: string): Promise<string> {
  const [response] = (await once(get(`${url}/healthz`), 'response')) as [IncomingMessage];
  response.resume();
  return String(response.headers['keep-alive']);
}

describe('a setting', () => {
  test('KEEP_ALIVE_MS: how long an idle connection is kept, 75 s by default', async ({ databaseUrl }) => {
    expect(await keepAliveOf((await start(databaseUrl, {})).url)).toBe('timeout=75');
    const { url } = await start(databaseUrl, { KEEP_ALIVE_MS: '3000' });
    expect(await keepAliveOf(url)).toBe('timeout=3');
  });

  test('WEBHOOK_PORTS: where webhooks may go', async ({ databaseUrl }) => {
    const endpoint = { url: 'https://example.com:8443/', organizations: '*' };
    const request = { method: 'POST', body: JSON.stringify(endpoint) };
    const usual = await start(databaseUrl, {});
    expect((await usual.api('/webhooks', request)).status).toBe(400);
    const server = await start(databaseUrl, { WEBHOOK_PORTS: '443,8443' });
    expect((await server.api('/webhooks', request)).status).toBe(201);
  });

  test('EVENT_RETENTION_DAYS and AUDIT_RETENTION_DAYS: what a start deletes', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_events (organization_id, seq, at, type, created)
      values (9, 1, now() - interval '10 days', 'snapshot', false), (9, 2, now() - interval '3 days', 'snapshot', false)`;
    await sql`insert into audit_log (at, actor, action, details)
      values (now() - interval '300 days', 'x', 'old', '{}'), (now() - interval '50 days', 'x', 'young', '{}')`;
    const left = async () => [
      ...(await sql`select seq from sync_events where organization_id = 9 order by seq`).map(({ seq }) =>
        Number(seq),
      ),
      ...(await sql`select action from audit_log where actor = 'x' order by id`).map(({ action }) => action),
    ];
    await start(databaseUrl, {});
    expect(await left()).toEqual([1, 2, 'old', 'young']);
    await start(databaseUrl, { EVENT_RETENTION_DAYS: '5', AUDIT_RETENTION_DAYS: '100' });
    expect(await left()).toEqual([2, 'young']);
  });

  test('PURGE_MISSING_AFTER_DAYS: when a missing patient is erased', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    const usual = await startTestServer(databaseUrl, { patients: 3 });
    await wholeSync(usual);
    await sql`update patients set missing_since = now() - (id - (select min(id) from patients)) * interval '20 days'`;
    await usual.stop();
    // The first purge comes half a minute to one and a half after the start.
    vi.spyOn(Math, 'random').mockReturnValue(0.25);
    changeTimers({ 45000: 10 });

    await start(databaseUrl, { PURGE_MISSING_AFTER_DAYS: '30' });
    await expect.poll(() => sql`select from patients`).toHaveLength(2);
    const [entry] = await sql`select action, details from audit_log where action = 'patients.purge'`;
    expect(entry?.details).toEqual({ count: 1, missing_for_days: 30 });
  });
});
