/** `npm run doctor` as a real process, on set-ups that are broken in one way each. */
import { execFile } from 'node:child_process';
import { describe, expect, inject, onTestFinished } from 'vitest';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { migrate } from '../../src/database/migrate.ts';
import { terminalText } from '../../src/logging/terminal-text.ts';
import { createOddDatabase, ODD_DEFAULTS } from '../database/support/odd-defaults.ts';
import { loadVersion01 } from '../database/support/version-0-1.ts';
import { builtEntry } from '../support/build-server.ts';
import { connectInTest, createEmptyDatabase, test } from '../support/database.ts';
import { CREDENTIALS_KEY, startTestServer } from '../support/server.ts';
import { startMailServer } from '../webhooks/support/mail-server.ts';

interface Report {
  code: number;
  findings: { check: string; state: string; detail: string }[];
  of(check: string): { state: string; detail: string } | undefined;
}

function examine(environment: Record<string, string>, ...args: string[]): Promise<Report> {
  return new Promise((resolve) => {
    const env = { ...process.env, CREDENTIALS_KEY: CREDENTIALS_KEY.toString('base64'), ...environment };
    const command = [builtEntry('cli/doctor'), '--json', ...args];
    const child = execFile(process.execPath, command, { env }, (_error, output) => {
      expect(output.replaceAll('\n', '')).toBe(terminalText(output.replaceAll('\n', '')));
      const findings = output
        .split('\n')
        .filter((line) => line !== '')
        .map((line): Report['findings'][number] => JSON.parse(line));
      resolve({
        code: child.exitCode ?? -1,
        findings,
        of: (check) =>
          findings.find((one) => one.check === check && one.state !== 'ok') ??
          findings.find((one) => one.check === check),
      });
    });
  });
}

describe('a set-up that works', () => {
  test('passes every check, with the Cliniko key of an organization', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 1 });
    const mail = await startMailServer();
    const email = { SMTP_URL: `smtp://u:p@127.0.0.1:${mail.port}`, SMTP_FROM: 'sync@example.com' };
    const report = await examine(
      {
        DATABASE_URL: databaseUrl,
        CLINIKO_BASE_URL: server.cliniko.url,
        CLINIKO_CONTACT_EMAIL: 'ops@clinic.example',
        ...email,
      },
      '--org',
      '123',
    );
    expect(report.of('contact')?.state).toBe('ok');
    expect(server.cliniko.requests.map(({ violations }) => violations)).toEqual([[]]);
    expect(report.findings.filter(({ state }) => state === 'error')).toEqual([]);
    expect(report.code).toBe(0);
    expect(report.findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining([
        'node',
        'database',
        'rights',
        'grants',
        'listen',
        'connections',
        'clock',
        'credentials-key',
        'cliniko-key',
        'email',
      ]),
    );
  });

  test('is one without tables too', async () => {
    const { url, sql } = await createEmptyDatabase();
    // Port 1 has no mail server: syncs work without.
    const email = { SMTP_URL: 'smtp://u:secret@127.0.0.1:1', SMTP_FROM: 'sync@example.com' };
    const report = await examine({ DATABASE_URL: url, ...email });
    expect(report.code).toBe(0);
    expect(report.of('email')).toMatchObject({
      state: 'warning',
      detail: expect.stringMatching(/^No answer/),
    });
    expect(JSON.stringify(report.findings)).not.toContain('secret');
    expect(report.of('contact')).toMatchObject({
      state: 'warning',
      detail: expect.stringMatching(/^CLINIKO_CONTACT_EMAIL is not set/),
    });
    expect(report.of('rights')?.detail).toMatch(/The next start applies \d+ migrations/);
    expect(await sql`select from pg_tables where schemaname = 'public'`).toHaveLength(0);
  });

  test('is one whose role has unusual defaults too', async () => {
    const { url } = await createOddDatabase(ODD_DEFAULTS);
    expect((await examine({ DATABASE_URL: url })).code).toBe(0);
    await migrate(url);
    const report = await examine({ DATABASE_URL: url });
    expect(report.findings.filter(({ state }) => state === 'error')).toEqual([]);
    expect(report.of('defaults')?.detail).toContain('Isolation is serializable');
  });

  test('is one of version 0.1 too', async () => {
    const { url, sql } = await createEmptyDatabase();
    await loadVersion01(sql);
    const report = await examine({ DATABASE_URL: url });
    expect(report.code).toBe(0);
    expect(report.of('rights')?.detail).toBe('The next start upgrades the tables of version 0.1.');
    expect(await sql`select era from sync_eras`).toHaveLength(1);
  });
});

test('a data directory that cannot be made is a finding', async () => {
  const { code, findings } = await examine({ DATABASE_URL: '', DATA_DIR: '/dev/null/data' });
  expect(code).toBe(1);
  expect(findings.at(-1)).toMatchObject({
    check: 'database',
    state: 'error',
    detail: expect.stringContaining('Set DATABASE_URL'),
  });
});

describe('a set-up that is broken', () => {
  test('in its address', async () => {
    const report = await examine({ DATABASE_URL: 'postgres://u:s3cret@127.0.0.1:1/d' });
    expect(report.code).toBe(1);
    expect(report.of('database')).toMatchObject({
      state: 'error',
      detail: expect.stringContaining('No PostgreSQL accepts'),
    });
    expect(JSON.stringify(report.findings)).not.toContain('s3cret');
  });

  test('by an address of another database', async ({ databaseUrl }) => {
    const { url } = await createEmptyDatabase();
    const report = await examine({ DATABASE_URL: databaseUrl, LISTEN_DATABASE_URL: url });
    expect(report.code).toBe(1);
    expect(report.of('database')).toMatchObject({
      state: 'error',
      detail: expect.stringMatching(/^LISTEN_DATABASE_URL leads to another database than DATABASE_URL/),
    });
  });

  test('in a variable', async () => {
    const report = await examine({ PORT: 'x' });
    expect(report.code).toBe(1);
    expect(report.of('configuration')?.detail).toContain('PORT must be');
  });

  test('by the Cliniko key of a first start', async () => {
    const cliniko = await startClinikoSimulator({ patients: 1 });
    onTestFinished(() => cliniko.close());
    const { url } = await createEmptyDatabase();
    const clinic = { CLINIKO_ORGANIZATION_ID: '123', CLINIKO_API_KEY: 'wrong-key-au1' };
    const report = await examine({ DATABASE_URL: url, CLINIKO_BASE_URL: cliniko.url, ...clinic });
    expect(report.code).toBe(1);
    expect(report.of('cliniko-key')?.detail).toMatch(/does not accept the API key of CLINIKO_API_KEY\./);
  });

  test('by an address where no Cliniko answers', async () => {
    const cliniko = await startClinikoSimulator({ patients: 1 });
    onTestFinished(() => cliniko.close());
    const { url } = await createEmptyDatabase();
    const clinic = { CLINIKO_ORGANIZATION_ID: '123', CLINIKO_API_KEY: cliniko.apiKey };
    const elsewhere = cliniko.url.replace('/v1', '/other/v1');
    const report = await examine({ DATABASE_URL: url, CLINIKO_BASE_URL: elsewhere, ...clinic });
    expect(report.code).toBe(1);
    expect(report.of('cliniko-key')).toMatchObject({
      state: 'error',
      detail: expect.stringContaining('Cliniko answered 404'),
    });
  });

  test('by tables of another program', async () => {
    const { url, sql } = await createEmptyDatabase();
    await sql`create table organizations (id text)`;
    const report = await examine({ DATABASE_URL: url });
    expect(report.code).toBe(1);
    expect(report.of('tables')?.detail).toContain('table "organizations"');
  });

  test('by the key, a grant, the limits of the role and the Cliniko key', async ({ databaseUrl }) => {
    const cliniko = await startClinikoSimulator({ patients: 1 });
    onTestFinished(() => cliniko.close());
    const server = await startTestServer(databaseUrl, { cliniko });
    await server.api('/organizations/123/cliniko-credentials', {
      method: 'PUT',
      body: JSON.stringify({ api_key: 'wrong-key-au1' }),
    });
    await server.stop();
    const sql = connectInTest(databaseUrl);
    // An escape character of terminals, which the output must not contain.
    const guest = sql('doctor_guest\u009b2J');
    await sql`create role ${guest}`;
    await sql`grant select on patients to ${guest}`;
    const [name] = await sql<{ name: string }[]>`select quote_ident(current_database()) as name`;
    await sql.unsafe(`alter database ${name?.name} set statement_timeout = '1500ms'`);
    onTestFinished(async () => {
      const admin = connectInTest(databaseUrl);
      await admin`drop owned by ${guest}`;
      await admin`drop role ${guest}`;
    });
    const environment = { DATABASE_URL: databaseUrl, CLINIKO_BASE_URL: cliniko.url };
    const report = await examine(environment, '--org', '123');
    expect(report.of('grants')).toMatchObject({
      state: 'warning',
      detail: expect.stringContaining('doctor_guest'),
    });
    expect(report.of('defaults')).toMatchObject({
      state: 'warning',
      detail: expect.stringContaining('statement_timeout'),
    });
    expect(report.of('cliniko-key')).toMatchObject({
      state: 'error',
      detail: expect.stringContaining('does not accept'),
    });
    expect(report.code).toBe(1);

    // The configured key replaces the stored one at the next start.
    const clinic = { CLINIKO_ORGANIZATION_ID: '123', CLINIKO_API_KEY: cliniko.apiKey };
    const configured = await examine({ ...environment, ...clinic }, '--org', '123');
    expect(configured.of('cliniko-key')?.state).toBe('ok');
    expect(configured.code).toBe(0);

    const other = await examine({
      ...environment,
      CREDENTIALS_KEY: Buffer.alloc(32, 9).toString('base64'),
      AUTH: 'tokens',
    });
    expect(other.of('credentials-key')?.state).toBe('error');
    expect(other.of('tokens')?.detail).toContain('npm run tokens -- create');
    expect(other.of('proxy')?.state).toBe('warning');
  });
});

test('with DATABASE_POOL_MAX=3 a server syncs with at most five sessions', async ({ databaseUrl }) => {
  const server = await startTestServer(databaseUrl, { patients: 300, config: { databasePoolMax: 3 } });
  const admin = connectInTest(inject('databaseAdminUrl'));
  const database = new URL(databaseUrl).pathname.slice(1);
  await server.api('/cliniko/sync-all/123', { method: 'POST' });
  let most = 0;
  for (;;) {
    const [row] = await admin<{ count: number }[]>`
      select count(*)::int as count from pg_stat_activity where datname = ${database} and application_name like 'patient-sync%'`;
    most = Math.max(most, row?.count ?? 0);
    const { logs } = await (await server.api('/cliniko/sync-logs/123?limit=1')).json();
    if (logs[0].status !== 'running') {
      expect(logs[0].status).toBe('completed');
      break;
    }
  }
  expect(most).toBeLessThanOrEqual(5);
});
