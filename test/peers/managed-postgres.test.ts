/**
 * A PostgreSQL as providers run it: TLS only, certificates of an authority of their own, SCRAM, an owner who is no superuser,
 * and a pooler in transaction mode. The server starts with the addresses that they show, as a real process.
 */
import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type ClinikoSimulator, startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { connectPostgres } from '../support/postgres.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { type DebianPostgres, readCa, startDebianPostgres } from './support/debian-postgres.ts';
import { startPgbouncer } from './support/pgbouncer.ts';

/** The parameters that each provider writes behind the database. */
const FORMS: Record<string, { query: string; pooled?: boolean }> = {
  'Supabase, direct': { query: '' },
  'Supabase, session pooler': { query: '?supa=base-pooler.x' },
  'Supabase, transaction pooler': { query: '?pgbouncer=true&connection_limit=1', pooled: true },
  Neon: { query: '?sslmode=require&channel_binding=require' },
  RDS: { query: '?sslmode=verify-full' },
  Azure: { query: '?sslmode=require' },
  Heroku: { query: '' },
  Railway: { query: '' },
  Render: { query: '' },
  DigitalOcean: { query: '?sslmode=require' },
};

async function addressOf(
  cluster: DebianPostgres,
  form: string,
  database: string,
): Promise<Record<string, string>> {
  const { query, pooled } = FORMS[form] ?? { query: '' };
  const direct = cluster.urlOf('owner', database);
  if (!pooled) return { DATABASE_URL: `${direct}${query}` };
  const pooler = await startPgbouncer(direct, 'transaction', cluster.tls);
  return { DATABASE_URL: `${pooler}${query}`, LISTEN_DATABASE_URL: direct };
}

async function startSimulator(patients: number, latencyMs = 0): Promise<ClinikoSimulator> {
  const cliniko = await startClinikoSimulator({ patients, latencyMs, requestsPerMinute: Infinity });
  onTestFinished(() => cliniko.close());
  return cliniko;
}

async function stop({ child }: ServerProcess): Promise<void> {
  child.kill('SIGTERM');
  await vi.waitFor(() => expect(child.exitCode).toBe(0));
}

test('the addresses of ten providers start a server, which syncs', async () => {
  const cluster = await startDebianPostgres({ tls: true });
  const ca = await readCa(cluster);
  const cliniko = await startSimulator(30);
  expect(Object.keys(FORMS)).toHaveLength(10);
  for (const form of Object.keys(FORMS)) {
    const database = `d_${randomBytes(4).toString('hex')}`;
    await cluster.admin.unsafe(`create database ${database} owner owner`);
    const address = await addressOf(cluster, form, database);
    const environment = { ...address, DATABASE_CA: ca, DATABASE_POOL_MAX: '3' };
    const server = await startServerProcess({ cliniko, environment });
    const ready = await (await fetch(`${server.url}/readyz`)).json();
    expect(ready, form).toMatchObject({ status: 'ready', checks: { listener: true, row_security: 'role' } });
    await server.start();
    const { status, records_success } = await server.until((log) => log.status !== 'running');
    expect({ form, status, records_success }).toEqual({ form, status: 'completed', records_success: 30 });
    const sessions = await cluster.admin<{ plain: number; all: number }[]>`
      select count(*) filter (where not ssl)::int as plain, count(*)::int as all
      from pg_stat_activity join pg_stat_ssl using (pid) where datname = ${database}`;
    expect(sessions[0]?.plain, form).toBe(0);
    expect(sessions[0]?.all, form).toBeGreaterThan(0);
    await stop(server);
  }
});

test('a role with rights on the schema only starts a server, without the role for row-level security', async () => {
  const cluster = await startDebianPostgres();
  await cluster.admin`create role tenant login`;
  await cluster.admin`create database shared`;
  const shared = connectPostgres(cluster.urlOf('admin', 'shared'));
  await shared.unsafe('grant usage, create on schema public to tenant').finally(() => shared.end());
  const cliniko = await startSimulator(30);
  const server = await startServerProcess({ cliniko, databaseUrl: cluster.urlOf('tenant', 'shared') });
  const ready = await (await fetch(`${server.url}/readyz`)).json();
  expect(ready).toMatchObject({ status: 'ready', checks: { row_security: 'none' } });
  await server.start();
  const log = await server.until(({ status }) => status !== 'running');
  expect(log).toMatchObject({ status: 'completed', records_success: 30 });
});

test('two servers restart one after the other on 20 connections, while a sync runs', async () => {
  const cluster = await startDebianPostgres({ maxConnections: 20 });
  const cliniko = await startSimulator(600, 150);
  const databaseUrl = cluster.urlOf('owner', 'before');
  const environment = { DATABASE_POOL_MAX: '3', DRAIN_MS: '1000', CLINIKO_PER_PAGE: '20' };
  const start = () => startServerProcess({ cliniko, databaseUrl, environment });
  const old = [await start(), await start()];
  await old[0]?.start();
  await old[0]?.until(({ records_processed }) => records_processed > 0);
  const started: ServerProcess[] = [];
  for (const server of old) {
    started.push(await start());
    await stop(server);
  }
  const log = await started[0]?.until(({ status }) => status !== 'running');
  expect(log).toMatchObject({ status: 'completed', records_success: 600, records_failed: 0 });
  expect(cluster.logged()).toContain('ready to accept connections');
  expect(cluster.logged()).not.toMatch(/too many clients|remaining connection slots/);
});
