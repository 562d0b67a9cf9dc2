/** A session has the required settings, whatever the defaults of its role and its database are. */
import { randomBytes } from 'node:crypto';
import { describe, expect, inject, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { SessionSettingsError } from '../../src/database/session.ts';
import { openPostgresBus } from '../../src/events/postgres-bus.ts';
import { createEmptyDatabase, test } from '../support/database.ts';
import { connectPostgres } from '../support/postgres.ts';
import { startTestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';

const ODD_DEFAULTS = {
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  search_path: 'elsewhere, pg_catalog',
  DateStyle: 'SQL, DMY',
  TimeZone: 'Australia/Lord_Howe',
  IntervalStyle: 'sql_standard',
  bytea_output: 'escape',
  row_security: 'off',
  extra_float_digits: '-15',
  transform_null_equals: 'on',
  standard_conforming_strings: 'off',
  idle_session_timeout: '50ms',
};

/** An empty database of a role with unusual defaults; the end of the test drops both. */
async function createOddDatabase(settings: Record<string, string>): Promise<string> {
  const { url, sql } = await createEmptyDatabase();
  const admin = connectPostgres(inject('databaseAdminUrl'));
  const role = `u_${randomBytes(6).toString('hex')}`;
  const database = new URL(url).pathname.slice(1);
  await admin.unsafe(`create role ${role} login password 'odd' createrole`);
  await sql.unsafe(`create schema elsewhere; grant create on database ${database} to ${role};
    alter schema public owner to ${role}; alter schema elsewhere owner to ${role}`);
  for (const [name, value] of Object.entries(settings)) {
    await admin.unsafe(`alter role ${role} set ${name} = ${name === 'search_path' ? value : `'${value}'`}`);
  }
  onTestFinished(async () => {
    await sql.unsafe(`drop owned by ${role} cascade`);
    await admin.unsafe(`drop owned by ${role} cascade; drop role ${role}`);
    await admin.end();
  });
  const own = new URL(url);
  [own.username, own.password] = [role, 'odd'];
  return own.href;
}

describe('a role with unusual defaults', () => {
  test('starts for the first time, syncs, and starts again', async () => {
    const url = await createOddDatabase(ODD_DEFAULTS);
    const server = await startTestServer(url, { patients: 120 });
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    const sent = await stream.until(hasEnded);
    expect(sent.at(-1)?.event).toBe('completed');
    stream.close();
    await startTestServer(url, { organizations: [] });
  });

  test('has the settings that statements rely on in its pool', async () => {
    const database = openDatabase(await createOddDatabase(ODD_DEFAULTS), { max: 1 });
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

  test('keeps the idle sessions of the bus', async () => {
    const url = await createOddDatabase(ODD_DEFAULTS);
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
    const url = await createOddDatabase({ [name]: value });
    const refusal = await startTestServer(url).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(SessionSettingsError);
    expect(String(refusal)).toMatch(new RegExp(`\\(${name}\\).*ALTER ROLE u_\\w+ (SET|RESET) ${name}`));
  });
});
