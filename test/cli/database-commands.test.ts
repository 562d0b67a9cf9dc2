/** The commands that work on the database without a server, as real processes. */
import { execFile, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, inject, onTestFinished, vi } from 'vitest';
import { createOddDatabase, ODD_DEFAULTS } from '../database/support/odd-defaults.ts';
import { loadVersion01 } from '../database/support/version-0-1.ts';
import { builtEntry } from '../support/build-server.ts';
import { connectInTest, createEmptyDatabase, test } from '../support/database.ts';
import { runWith, watchCommand } from './support/command.ts';

describe('the commands that work on the database', () => {
  test('print one JSON object a line with --json', async ({ databaseUrl }) => {
    const linesOf = async (name: string, ...args: string[]): Promise<unknown[]> => {
      const command = [builtEntry(`cli/${name}`), ...args, '--json'];
      const env = { ...process.env, DATABASE_URL: databaseUrl, PUBLIC_URL: 'https://people.example/sync/' };
      const { stdout } = await promisify(execFile)(process.execPath, command, { env });
      const lines = stdout.trimEnd().split('\n');
      return lines.map((line): unknown => JSON.parse(line));
    };
    expect(await linesOf('migrate')).toEqual([{ type: 'migrated', embedded: false }]);
    const wish = ['--name', 'Reception', '--organizations', '123', '--days', '2'];
    const [created] = await linesOf('tokens', 'create', ...wish);
    expect(created).toMatchObject({ id: 1, token: expect.stringMatching(/^pst_/), expires_in_days: 2 });
    expect(await linesOf('sign-in-link', '--id', '1', '--url', 'https://sync.example')).toMatchObject([
      { id: 1, link: expect.stringMatching(/^https:\/\/sync\.example\/sign-in#[\w-]{43}$/), scope: 'read' },
    ]);
    expect(await linesOf('sign-in-link', '--id', '1')).toMatchObject([
      { link: expect.stringMatching(/^https:\/\/people\.example\/sync\/sign-in#/) },
    ]);
    expect(await linesOf('tokens', 'revoke', '--id', '1')).toEqual([{ id: 1, revoked: true }]);
    expect(await linesOf('tokens', 'list')).toMatchObject([
      { id: 1, name: 'Reception', scope: 'read', organizations: [123], state: 'revoked' },
    ]);
    await expect(linesOf('sign-in-link', '--id', '1')).rejects.toMatchObject({
      stderr: expect.stringContaining('No active token with the id 1 can sign a person in.'),
    });
  });
});

test('they name the data directory and DATABASE_URL where nothing can be written, as in a container', async () => {
  const tokens = runWith({ DATABASE_URL: '', DATA_DIR: '/dev/null/data' }, 'tokens', 'list');
  expect(await tokens.exit).toBe(1);
  expect(tokens.errors()).toBe(
    'DATABASE_URL is not set: using the embedded PostgreSQL under /dev/null/data\nThe embedded PostgreSQL cannot be used: DATA_DIR must be a folder that this user can make and write to; it was "/dev/null/data". Set DATABASE_URL to use a PostgreSQL of your own instead.\n',
  );
});

test('they leave tables of another program alone, which the search_path of the role names first', async () => {
  const { url, sql } = await createOddDatabase(ODD_DEFAULTS);
  const run = async (name: string, ...args: string[]): Promise<string> => {
    const env = { ...process.env, DATABASE_URL: url };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [builtEntry(`cli/${name}`), ...args, '--json'],
      { env },
    );
    return stdout;
  };
  await run('migrate');
  for (const table of ['patients', 'quarantine', 'api_tokens']) {
    await sql.unsafe(`create table elsewhere.${table} (like public.${table} including all)`);
    await sql.unsafe(`grant all on elsewhere.${table} to public`);
  }
  for (const schema of ['public', 'elsewhere']) {
    await sql`insert into ${sql(schema)}.patients (organization_id, cliniko_patient_id, raw, content_hash, warnings)
      values (123, '1', '{}', '', 0)`;
  }
  await run('tokens', 'create', '--name', 'Reception', '--organizations', '123');
  expect(await run('tokens', 'list')).toContain('Reception');
  expect(await run('erase', '--org', '123', '--patient', '1', '--confirm')).toContain(
    '"type":"erased","organization_id":123,"patients":1',
  );
  expect(await sql`select from public.api_tokens`).toHaveLength(1);
  expect(await sql`select from public.patients`).toHaveLength(0);
  expect(await sql`select from elsewhere.api_tokens`).toHaveLength(0);
  expect(await sql`select from elsewhere.patients`).toHaveLength(1);
});

test.skipIf(process.platform !== 'linux')(
  'a command whose output does not fit on the disk ends with 1 and one line',
  async ({ databaseUrl }) => {
    const full = await open('/dev/full', 'w');
    onTestFinished(() => full.close());
    const child = spawn(process.execPath, [builtEntry('cli/tokens'), 'list'], {
      stdio: ['ignore', full.fd, 'pipe'],
      env: { ...process.env, DATABASE_URL: databaseUrl },
    });
    const command = watchCommand(child);
    expect(await command.exit).toBe(1);
    expect(command.errors()).toBe('The output cannot be written (ENOSPC).\n');
  },
);

test('npm run patients:erase says that the tables are missing or older, and creates none', async () => {
  const { url, sql } = await createEmptyDatabase();
  const refusal = async (): Promise<string> => {
    const command = runWith({ DATABASE_URL: url }, 'erase', '--org', '123', '--patient', '1');
    expect(await command.exit).toBe(1);
    return command.errors();
  };
  expect(await refusal()).toBe('The database has no tables of this server yet. Run: npm run db:migrate\n');
  expect(await sql`select from pg_tables where schemaname = 'public'`).toHaveLength(0);
  await loadVersion01(sql);
  expect(await refusal()).toBe(
    'The tables in the database are those of an older version. Run: npm run db:migrate\n',
  );
});

test('npm run tokens upgrades no tables of an older version, whose servers may run', async () => {
  const { url, sql } = await createEmptyDatabase();
  await loadVersion01(sql);
  const command = runWith({ DATABASE_URL: url }, 'tokens', 'list');
  expect(await command.exit).toBe(1);
  expect(command.errors()).toBe(
    'The tables in the database are those of an older version. Run: npm run db:migrate\n',
  );
  expect(await sql`select era from sync_eras`).toHaveLength(1);
});

describe('npm run db:migrate', () => {
  test('refuses a database that no server can use, and creates nothing there', async () => {
    const admin = connectInTest(inject('databaseAdminUrl'));
    await admin.unsafe("create database t_migrate_latin1 encoding 'LATIN1' locale 'C' template template0");
    onTestFinished(async () => void (await admin`drop database t_migrate_latin1 with (force)`));
    const url = new URL(inject('databaseAdminUrl'));
    url.pathname = '/t_migrate_latin1';
    const command = runWith({ DATABASE_URL: url.href }, 'migrate');
    expect(await command.exit).toBe(1);
    expect(command.errors()).toContain('has the encoding LATIN1');
    const sql = connectInTest(url.href);
    expect(await sql`select from pg_class where relnamespace = 'public'::regnamespace`).toHaveLength(0);
  });

  test('says what it waits for', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await sql`alter table patients disable row level security`;
    const reader = connectInTest(databaseUrl);
    await reader`begin`;
    await reader`select from patients`;
    const command = runWith({ DATABASE_URL: databaseUrl }, 'migrate', '--json');
    await vi.waitFor(
      () => expect(command.errors()).toContain('The migration waits for a table that another session holds'),
      { timeout: 20_000 },
    );
    await reader`rollback`;
    expect(await command.exit).toBe(0);
    expect(JSON.parse(command.output())).toEqual({ type: 'migrated', embedded: false });
  });
});
