/** A plain pg_dump by the owner, on a PostgreSQL of Debian, needs no flag; its restore starts and syncs. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { connectPostgres } from '../support/postgres.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { freePort } from './support/free-port.ts';
import { folder, run } from './support/program.ts';

/** Debian keeps each version in a folder of its own; the newest one. */
const DEBIAN_POSTGRES = findDebianPostgres();
const NOBODY = 65_534;
const user = process.getuid?.() === 0 ? { uid: NOBODY } : {};

interface Cluster {
  urlOf(role: string, database: string): string;
  admin: ReturnType<typeof connectPostgres>;
}

/** A cluster of its own, with an owner who is no superuser and two databases of his. */
async function startCluster(): Promise<Cluster> {
  const [dir, port] = [await folder(), await freePort()];
  if ('uid' in user) await chown(dir, NOBODY, NOBODY);
  const data = join(dir, 'data');
  const made = spawnSync(
    `${DEBIAN_POSTGRES}/initdb`,
    ['-D', data, '-U', 'admin', '--auth=trust', '-E', 'UTF8'],
    user,
  );
  expect(made.status, String(made.stderr)).toBe(0);
  const server = run(
    `${DEBIAN_POSTGRES}/postgres`,
    ['-D', data, '-p', String(port), '-k', dir, '-h', '127.0.0.1'],
    user,
  );
  // SIGINT, not SIGTERM: it does not wait for sessions.
  onTestFinished(async () => {
    if (server.exitCode !== null) return;
    server.kill('SIGINT');
    await once(server, 'exit');
  });
  const urlOf = (role: string, database: string) => `postgres://${role}@127.0.0.1:${port}/${database}`;
  const admin = connectPostgres(urlOf('admin', 'postgres'), { connect_timeout: 2 });
  onTestFinished(() => admin.end({ timeout: 1 }));
  await vi.waitFor(() => admin`select 1`, 20_000);
  await admin`create role owner login createrole`;
  for (const name of ['before', 'after']) {
    await admin.unsafe(`create database ${name} owner owner`);
  }
  return { urlOf, admin };
}

function findDebianPostgres(): string {
  const root = '/usr/lib/postgresql';
  const versions = readdirSync(root).filter((name) => existsSync(`${root}/${name}/bin/initdb`));
  return `${root}/${versions.sort((one, other) => Number(other) - Number(one))[0]}/bin`;
}

function execute(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(`${DEBIAN_POSTGRES}/${program}`, args, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

async function syncOnce(server: TestServer): Promise<void> {
  const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
  const sent = await stream.until((events) => events.length >= 2);
  const before = sent.length;
  await server.api('/cliniko/sync-all/123', { method: 'POST' });
  const all = await stream.until((events) => hasEnded(events.slice(before)));
  expect(all.at(-1)?.event).toBe('completed');
  stream.close();
}

describe('pg_dump by the owner, without a flag', () => {
  test.for(['plain', 'custom'] as const)('in the %s format holds everything', async (format) => {
    const { urlOf } = await startCluster();
    const first = await startTestServer(urlOf('owner', 'before'), { patients: 60 });
    await syncOnce(first);
    await first.stop();

    const file = join(await folder(), 'dump');
    execute('pg_dump', ['--format', format, '--file', file, urlOf('owner', 'before')]);
    const target = urlOf('owner', 'after');
    if (format === 'custom')
      execute('pg_restore', ['--exit-on-error', '--no-comments', '--dbname', target, file]);
    else execute('psql', ['--quiet', '--output=/dev/null', '--set=ON_ERROR_STOP=1', '--file', file, target]);

    const sql = connectPostgres(target);
    onTestFinished(() => sql.end({ timeout: 1 }));
    expect(await sql`select count(*)::int as count from patients`).toEqual([{ count: 60 }]);
    const second = await startTestServer(target, { patients: 60, organizations: [] });
    await syncOnce(await withKey(second));
    expect(await (await fetch(`${second.url}/readyz`)).json()).toMatchObject({
      checks: { row_security: 'role', other_roles: [] },
    });
    expect(await sql`select count(*)::int as count from patients where missing_since is null`).toEqual([
      { count: 60 },
    ]);
  });
});

/** The simulated Cliniko of the second server has a key of its own. */
async function withKey(server: TestServer): Promise<TestServer> {
  const body = JSON.stringify({ api_key: server.cliniko.apiKey });
  await server.api('/organizations/123/cliniko-credentials', { method: 'PUT', body });
  return server;
}
