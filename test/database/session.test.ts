/** A session has the required settings, whatever the defaults of its role and its database are. */
import { describe, expect, inject, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { SessionSettingsError } from '../../src/database/session.ts';
import { openTimeoutClient } from '../../src/database/timeout-client.ts';
import { openPostgresBus } from '../../src/events/postgres-bus.ts';
import { test } from '../support/database.ts';
import { connectPostgres } from '../support/postgres.ts';
import { startTestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { createOddDatabase, ODD_DEFAULTS } from './support/odd-defaults.ts';

describe('a role with unusual defaults', () => {
  test.for([
    ['one address', false],
    ['an address of its own for LISTEN', true],
  ] as const)('starts for the first time, syncs, and starts again, with %s', async ([, isApart]) => {
    const { url, sql } = await createOddDatabase(ODD_DEFAULTS);
    const listenDatabaseUrl = isApart ? url.replace('127.0.0.1', 'localhost') : undefined;
    expect(listenDatabaseUrl).not.toBe(url);
    const server = await startTestServer(url, { patients: 120, config: { listenDatabaseUrl } });
    // Another program has tables of the same names in the schema of the role.
    await sql`create table elsewhere.sync_logs (like public.sync_logs including all)`;
    await sql`create table elsewhere.patients (like public.patients including all)`;
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    const sent = await stream.until(hasEnded);
    expect(sent.at(-1)?.event).toBe('completed');
    stream.close();
    expect(await sql`select from public.patients`).toHaveLength(120);
    await startTestServer(url, { organizations: [], config: { listenDatabaseUrl } });
  });

  test('has the settings that statements rely on in its pool', async () => {
    const database = openDatabase((await createOddDatabase(ODD_DEFAULTS)).url, { max: 1 });
    onTestFinished(() => database.close());
    const [row] = await database.sql`select current_setting('default_transaction_isolation') as isolation,
      current_setting('search_path') as path, current_setting('DateStyle') as dates, current_setting('TimeZone') as zone,
      current_setting('row_security') as rows, current_setting('idle_session_timeout') as idle`;
    expect(row).toEqual({
      isolation: 'read committed',
      path: 'public',
      dates: 'ISO, MDY',
      zone: 'UTC',
      rows: 'on',
      idle: '0',
    });
  });

  test.for([
    [true, 'force_generic_plan'],
    [false, 'auto'],
  ] as const)(
    'has settings of its own where the address takes parameters: %s',
    async ([takesParameters, mode], { databaseUrl }) => {
      const client = openTimeoutClient({
        url: databaseUrl,
        applicationName: 'test',
        limitMs: 5_000,
        takesParameters,
        settings: { plan_cache_mode: 'force_generic_plan' },
      });
      onTestFinished(() => client.close());
      const rows = await client.query((sql) => sql`select current_setting('plan_cache_mode') as mode`);
      expect(rows).toEqual([{ mode }]);
    },
  );

  test('keeps the idle sessions of the bus', async () => {
    const { url } = await createOddDatabase(ODD_DEFAULTS);
    const bus = await openPostgresBus(url, { throughPooler: false });
    onTestFinished(() => bus.close());
    const admin = connectPostgres(inject('databaseAdminUrl'));
    onTestFinished(() => admin.end());
    const idle = async () => {
      const sessions = await admin<{ name: string }[]>`
        select application_name as name from pg_stat_activity
        where datname = ${new URL(url).pathname.slice(1)} and application_name like 'patient-sync %'
          and state_change < now() - interval '250 ms'`;
      return sessions.map(({ name }) => name).sort();
    };
    await expect.poll(idle).toEqual(['patient-sync bus', 'patient-sync listener']);
  });

  test.for([
    ['default_transaction_read_only', 'on'],
    ['session_replication_role', 'replica'],
  ] as const)('whose %s is %s ends the start with the statement that helps', async ([name, value]) => {
    const { url } = await createOddDatabase({ [name]: value });
    const refusal = await startTestServer(url).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(SessionSettingsError);
    expect(String(refusal)).toMatch(new RegExp(`\\(${name}\\).*ALTER ROLE u_\\w+ (SET|RESET) ${name}`));
  });
});
