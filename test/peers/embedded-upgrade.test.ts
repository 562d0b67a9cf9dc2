/**
 * The page about upgrades, followed from an older PostgreSQL to the embedded one of this release. An older cluster of Debian
 * stands in the place of the older release: the same files, with the paths that the page names.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { commandsOf } from '../docs/support/guides.ts';
import { connectPostgres } from '../support/postgres.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { startDebianPostgres } from './support/debian-postgres.ts';
import { folder } from './support/program.ts';

const execute = promisify(execFile);

async function syncOnce(server: ServerProcess): Promise<void> {
  await server.start();
  const log = await server.until(({ status }) => status !== 'running');
  expect(log).toMatchObject({ status: 'completed', records_success: 40 });
}

async function stop({ child }: ServerProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
}

test('an older database continues in the embedded PostgreSQL of this release', async () => {
  const blocks = (await commandsOf('guides/upgrade.md')).filter(({ notRun }) => notRun === 'database');
  expect(blocks).toHaveLength(3);
  const cliniko = await startClinikoSimulator({ patients: 40, requestsPerMinute: Infinity });
  onTestFinished(() => cliniko.close());
  const cluster = await startDebianPostgres();
  await cluster.admin`create role postgres superuser login`;
  await cluster.admin`create database patient_sync owner postgres`;
  const [older] = await cluster.admin<{ major: number; files: string }[]>`
    select current_setting('server_version_num')::int / 10000 as major, current_setting('data_directory') as files`;

  const directory = await folder();
  const environment = { DATA_DIR: join(directory, '.data') };
  await mkdir(join(environment.DATA_DIR, 'postgres'), { recursive: true });
  await symlink(older?.files ?? '', join(environment.DATA_DIR, 'postgres/data'));
  await writeFile(join(environment.DATA_DIR, 'postgres/password'), 'unused');
  await chmod(environment.DATA_DIR, 0o755);
  const follow = (step: number) =>
    execute('bash', ['-euc', blocks[step]?.text ?? 'exit 1'], { cwd: directory });

  const before = await startServerProcess({
    cliniko,
    databaseUrl: cluster.urlOf('postgres', 'patient_sync'),
  });
  await syncOnce(before);
  // A login for analysts: the new cluster has no such role.
  await cluster.admin`create role reports`;
  const tables = connectPostgres(cluster.urlOf('postgres', 'patient_sync'));
  await tables`grant select on patients to reports`.finally(() => tables.end());
  await follow(0);
  await stop(before);
  await follow(1);
  const created = await startServerProcess({ cliniko, environment });
  await follow(2);
  await stop(created);

  const restarted = await startServerProcess({ cliniko, environment });
  expect(await restarted.latest()).toMatchObject({ status: 'completed', records_success: 40 });
  await syncOnce(restarted);
  const { stdout: password } = await execute('cat', [join(environment.DATA_DIR, 'postgres/password')]);
  const { stdout: lock } = await execute('cat', [join(environment.DATA_DIR, 'postgres/data/postmaster.pid')]);
  const sql = connectPostgres(
    `postgres://postgres:${password}@127.0.0.1:${lock.split('\n')[3]}/patient_sync`,
  );
  onTestFinished(() => sql.end({ timeout: 1 }));
  const [row] = await sql<{ major: number; patients: number }[]>`
    select current_setting('server_version_num')::int / 10000 as major, (select count(*)::int from patients) as patients`;
  expect(row?.patients).toBe(40);
  expect(row?.major).toBeGreaterThan(older?.major ?? 0);
  await vi.waitFor(async () => expect((await fetch(`${restarted.url}/readyz`)).status).toBe(200));
});
