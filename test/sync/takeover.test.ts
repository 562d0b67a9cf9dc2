/** Servers as real processes, which die and lose their database: nobody is lost, nothing is counted twice. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import postgres from 'postgres';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { type ClinikoSimulator, startClinikoSimulator } from '../../src/cliniko/simulator/server.ts';
import { SyncLog, SyncLogList } from '../../src/contract/sync-log.ts';
import { test } from '../support/database.ts';
import { CREDENTIALS_KEY } from '../support/server.ts';

interface ServerProcess {
  url: string;
  child: ChildProcess;
}

async function startProcess(databaseUrl: string, cliniko: ClinikoSimulator): Promise<ServerProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
    env: {
      ...process.env,
      PORT: '0',
      DATABASE_URL: databaseUrl,
      CREDENTIALS_KEY: CREDENTIALS_KEY.toString('base64'),
      CLINIKO_BASE_URL: cliniko.url,
      CLINIKO_ORGANIZATION_ID: '123',
      CLINIKO_API_KEY: cliniko.apiKey,
      CLINIKO_REQUESTS_PER_MINUTE: '1000000',
      LOG_FORMAT: 'pretty',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  for await (const line of createInterface(child.stdout)) {
    const url = /listens on (\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    return { url, child };
  }
  throw new Error('The server ended before it listened.');
}

async function latest({ url }: ServerProcess): Promise<SyncLog> {
  const response = await fetch(`${url}/api/v1/cliniko/sync-logs/123?limit=1`);
  return SyncLog.parse(SyncLogList.parse(await response.json()).logs[0]);
}

const until = (server: ServerProcess, holds: (log: SyncLog) => boolean, timeout = 25_000) =>
  vi.waitFor(
    async () => {
      const log = await latest(server);
      if (!holds(log)) throw new Error(`Not yet: ${log.status}, ${log.records_processed} done.`);
      return log;
    },
    { timeout, interval: 50 },
  );

async function openClinic(patients: number): Promise<ClinikoSimulator> {
  const cliniko = await startClinikoSimulator({ patients, latencyMs: 20, requestsPerMinute: 0 });
  onTestFinished(() => cliniko.close());
  return cliniko;
}

const start = ({ url }: ServerProcess) => fetch(`${url}/api/v1/cliniko/sync-all/123`, { method: 'POST' });

describe('a server that is killed in the middle of a run', () => {
  test('is succeeded by another one, at the first page that was not finished', async ({ databaseUrl }) => {
    const cliniko = await openClinic(1_200);
    const first = await startProcess(databaseUrl, cliniko);
    const second = await startProcess(databaseUrl, cliniko);
    // Whoever has the run gets stuck at page 7, until it is dead.
    cliniko.faults.onPage(7, { kind: 'hang' });
    await start(first);
    await until(second, (log) => log.records_processed === 600);
    const sql = postgres(databaseUrl, { max: 1 });
    const [owner] = await sql`select owner from sync_runs`;
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const killedBefore = cliniko.requests.length;
    cliniko.faults.clear();
    // The second may have been the one who had it: then the first was only an onlooker.
    const log = await until(second, (current) => current.status !== 'running', 28_000).catch(() => undefined);
    const [after] = await sql`select owner, attempt from sync_runs`;
    const [{ count } = { count: 0 }] = await sql`select count(*)::int from patients`;
    await sql.end();

    expect(owner?.owner).toBeTruthy();
    expect(after?.owner).toBeNull();
    expect(log).toMatchObject({ status: 'completed', records_processed: 1_200, records_success: 1_200 });
    expect(count).toBe(1_200);
    const askedAgain = cliniko.requests
      .slice(killedBefore)
      .filter((request) => request.query.includes('sort=created_at'))
      .map((request) => request.page ?? 0);
    expect(Math.min(...askedAgain)).toBeGreaterThanOrEqual(7);
  }, 60_000);
});

describe('a database that ends all sessions in the middle of a run', () => {
  test('gets the run to its end all the same, and the process lives', async ({ databaseUrl }) => {
    const cliniko = await openClinic(1_200);
    const server = await startProcess(databaseUrl, cliniko);
    await start(server);
    await until(server, (log) => log.records_processed >= 200);
    const sql = postgres(databaseUrl, { max: 1 });
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    const log = await until(server, (current) => current.status !== 'running', 28_000);
    const [{ count } = { count: 0 }] = await sql`select count(*)::int from patients`;
    await sql.end();

    expect(log).toMatchObject({ status: 'completed', records_processed: 1_200 });
    expect(count).toBe(1_200);
    expect(server.child.exitCode).toBeNull();
  }, 60_000);
});
