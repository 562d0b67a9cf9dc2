/** Servers as real processes that die or lose their database: no patient is lost or counted twice. */
import { once } from 'node:events';
import { describe, expect, onTestFinished } from 'vitest';
import { type ClinikoSimulator, startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { connectInTest, test } from '../support/database.ts';
import { ask, killPostmaster, newDataDir, open } from '../support/embedded.ts';
import { startServerProcess } from '../support/server-process.ts';

async function openClinic(patients: number): Promise<ClinikoSimulator> {
  const cliniko = await startClinikoSimulator({ patients, latencyMs: 20, requestsPerMinute: 0 });
  onTestFinished(() => cliniko.close());
  return cliniko;
}

async function countPatients(databaseUrl: string): Promise<number> {
  const sql = connectInTest(databaseUrl);
  const [row] = await sql<{ count: number }[]>`select count(*)::int from patients`;
  return row?.count ?? 0;
}

/** Numbered pages requested since then. */
const walkedPages = ({ requests }: ClinikoSimulator, since = 0) =>
  requests
    .slice(since)
    .filter((request) => request.query.includes('sort=created_at'))
    .map((request) => request.page ?? 0);

describe('a server that is killed in the middle of a run', () => {
  test('is replaced by another one, at the first page that was not finished', async ({ databaseUrl }) => {
    const cliniko = await openClinic(1_200);
    const first = await startServerProcess({ cliniko, databaseUrl });
    cliniko.faults.onPage(7, { kind: 'hang' });
    await first.start();
    await first.until((log) => log.records_processed === 600);
    const second = await startServerProcess({ cliniko, databaseUrl });
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const killedBefore = cliniko.requests.length;
    cliniko.faults.clear();

    await second.until((log) => log.metadata.attempt === 2);
    const log = await second.until((current) => current.status !== 'running');

    expect(log).toMatchObject({ status: 'completed', records_processed: 1_200, records_success: 1_200 });
    expect(await countPatients(databaseUrl)).toBe(1_200);
    expect(Math.min(...walkedPages(cliniko, killedBefore))).toBe(7);
  });
});

describe('two servers whose clocks are two hours apart', () => {
  test('respect the lease, which follows the database’s clock', async ({ databaseUrl }) => {
    const cliniko = await openClinic(400);
    const hour = 3_600_000;
    const late = await startServerProcess({ cliniko, databaseUrl, clockAheadMs: -hour });
    cliniko.faults.onPage(3, { kind: 'hang' });
    await late.start();
    await late.until((log) => log.records_processed === 200);
    const early = await startServerProcess({ cliniko, databaseUrl, clockAheadMs: hour });

    // To claim this run it has to check all runs, including the one of the server whose clock is behind.
    const api = `${early.url}/api/v1/organizations/124`;
    await fetch(api, { method: 'PUT', body: '{}' });
    await early.start(124);
    await early.until((log) => log.status === 'failed', { organizationId: 124 });
    cliniko.faults.clear();
    cliniko.faults.release();
    const log = await early.until((current) => current.status !== 'running');

    expect(log).toMatchObject({ status: 'completed', records_processed: 400, metadata: { attempt: 1 } });
    expect(Math.abs(Date.parse(log.started_at) - Date.now())).toBeLessThan(60_000);
    expect(Date.parse(log.completed_at ?? '')).toBeGreaterThanOrEqual(Date.parse(log.started_at));
    // Each page once, and one more request after the full last page. The page that hangs is requested again when the
    // second server needs longer to start than a request may take.
    expect(
      walkedPages(cliniko)
        .filter((page) => page !== 3)
        .toSorted(),
    ).toEqual([1, 2, 4, 5]);
  });
});

describe('a database that ends all sessions, and then crashes, in the middle of a run', () => {
  test('does not prevent the run from completing or end the process', async () => {
    const cliniko = await openClinic(2_000);
    const dataDir = await newDataDir();
    const { url } = await open(dataDir);
    const server = await startServerProcess({ cliniko, environment: { DATA_DIR: dataDir } });
    onTestFinished(async () => {
      const exit = once(server.child, 'exit');
      server.child.kill('SIGTERM');
      await exit;
    });
    await server.start();
    await server.until((log) => log.records_processed >= 200);
    await ask(
      url,
      (sql) => sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`,
    );
    await server.until((log) => log.records_processed >= 800);
    await killPostmaster(dataDir);

    const log = await server.until((current) => current.status !== 'running');
    expect(log).toMatchObject({ status: 'completed', records_processed: 2_000, records_success: 2_000 });
    expect(await countPatients(url)).toBe(2_000);
    expect(server.child.exitCode).toBeNull();
  });
});
