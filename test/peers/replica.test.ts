/** `READ_DATABASE_URL` with a streaming replica of Debian's PostgreSQL. */
import { expect, test, vi } from 'vitest';
import { Analytics } from '#contract/analytics.ts';
import { SyncLogList } from '#contract/sync-log.ts';
import { checkReplica } from '../../src/cli/doctor/replica-check.ts';
import { migrate } from '../../src/database/migrate.ts';
import { type GuardedServer, OURS, startGuardedServer } from '../access/support/guarded-server.ts';
import { connectPostgres } from '../support/postgres.ts';
import { startTestServer } from '../support/server.ts';
import { startDebianPostgres } from './support/debian-postgres.ts';
import { startReplica } from './support/replica.ts';

const LIST = `/cliniko/sync-logs/${OURS}?limit=5&operation_type=full_patients`;

test('a replica answers lists, exports and analytics; the primary answers what the replica has not replayed', async () => {
  const primary = await startDebianPostgres();
  const replica = await startReplica(primary.urlOf('admin', 'postgres'));
  const [url, readUrl] = [primary.urlOf('owner', 'after'), replica.urlOf('owner', 'after')];
  const server = await startGuardedServer(url, { config: { readDatabaseUrl: readUrl }, patients: 60 });
  const ours = await server.token({ organizations: [OURS] });
  await runSync(server);
  // The replica may be a moment behind.
  await vi.waitFor(async () => expect(await readsOf(server, LIST)).toBe('replica'));
  for (const token of [ours, server.admin]) {
    for (const path of [LIST, `${LIST}&format=csv`, `/cliniko/analytics/${OURS}`]) {
      expect(await readsOf(server, path, token), path).toBe('replica');
    }
    const analytics = await server.as(token, `/cliniko/analytics/${OURS}`);
    expect(Analytics.parse(await analytics.json()).performance_by_operation).toHaveLength(1);
  }
  const fromReplica = await server.as(ours, LIST);
  expect(await checkReplica(url, readUrl)).toMatchObject([{ check: 'replica', state: 'ok' }]);

  await replica.pauseReplay(true);
  const id = await runSync(server);
  expect(await onReplica(readUrl, (sql) => sql`select from sync_logs`)).toHaveLength(1);
  const newer = await server.as(ours, LIST, {
    headers: { 'if-none-match': fromReplica.headers.get('etag') ?? '' },
  });
  expect(SyncLogList.parse(await newer.json()).logs[0]).toMatchObject({ id, status: 'completed' });
  expect(await readsOf(server, `/cliniko/analytics/${OURS}`)).toBe('behind');
  await replica.pauseReplay(false);
  await vi.waitFor(async () => expect(await readsOf(server, LIST)).toBe('replica'));
  const again = await server.as(ours, LIST);
  expect(again.headers.get('etag')).toBe(newer.headers.get('etag'));
  const twoRuns = await again.text();
  expect(SyncLogList.parse(JSON.parse(twoRuns)).logs).toHaveLength(2);

  // Promoted beside the primary it has another history, whose numbers may be higher.
  await replica.promote();
  await onReplica(readUrl, (sql) => sql`update sync_logs set records_processed = 999`);
  expect(await readsOf(server, LIST)).toBe('behind');
  const ofPrimary = await server.as(ours, LIST);
  expect(ofPrimary.headers.get('etag')).toBe(newer.headers.get('etag'));
  expect(await ofPrimary.text()).toBe(twoRuns);

  await replica.kill();
  expect(await readsOf(server, LIST)).toBe('away');
  expect(SyncLogList.parse(await (await server.as(ours, LIST)).json()).logs[0]).toMatchObject({ id });
  expect(server.logged()).toContain('The replica of READ_DATABASE_URL does not answer');
  expect(await checkReplica(url, readUrl)).toMatchObject([{ state: 'warning' }]);
});

test('a standby that is promoted right after the first start stores patients', async () => {
  const primary = await startDebianPostgres();
  const replica = await startReplica(primary.urlOf('admin', 'postgres'));
  const url = replica.urlOf('owner', 'after');
  await migrate(primary.urlOf('owner', 'after'));
  await vi.waitFor(() => onReplica(url, (sql) => sql`select from patients`));
  await replica.promote();
  const server = await startTestServer(url, { patients: 30 });
  await server.api('/cliniko/sync-all/123', { method: 'POST' });
  await vi.waitFor(async () => {
    const logs = SyncLogList.parse(await (await server.api('/cliniko/sync-logs/123')).json());
    expect(logs.logs[0]).toMatchObject({ status: 'completed', records_success: 30 });
  });
});

test('a standby as DATABASE_URL ends the start, with or without tables', async () => {
  const primary = await startDebianPostgres();
  await migrate(primary.urlOf('owner', 'after'));
  const replica = await startReplica(primary.urlOf('admin', 'postgres'));
  for (const database of ['before', 'after']) {
    const started = startTestServer(replica.urlOf('owner', database));
    await expect(started, database).rejects.toThrow(
      /is a standby, which accepts no writes\. Check that DATABASE_URL names the primary\.$/,
    );
  }
});

async function runSync(server: GuardedServer): Promise<number> {
  const start = await server.as(server.admin, `/cliniko/sync-all/${OURS}`, { method: 'POST' });
  const { sync_log_id: id } = (await start.json()) as { sync_log_id: number };
  await vi.waitFor(async () => {
    const log = await server.as(server.admin, `/cliniko/sync-logs/${OURS}/${id}`);
    expect(await log.json()).toMatchObject({ status: 'completed' });
  });
  return id;
}

/** @returns what one request counts in the metrics */
async function readsOf(
  server: GuardedServer,
  path: string,
  token = server.admin,
): Promise<string | undefined> {
  const before = await readCounts(server);
  expect((await server.as(token, path)).status).toBe(200);
  const after = await readCounts(server);
  return [...after.keys()].find((outcome) => after.get(outcome) !== before.get(outcome));
}

async function readCounts({ url, admin }: GuardedServer): Promise<Map<string, string>> {
  const scrape = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${admin}` } });
  const lines = (await scrape.text()).matchAll(
    /^patient_sync_replica_reads_total\{outcome="(\w+)"\} (\d+)$/gm,
  );
  return new Map([...lines].map(([, outcome = '', count = '']) => [outcome, count]));
}

async function onReplica<T>(
  url: string,
  work: (sql: ReturnType<typeof connectPostgres>) => PromiseLike<T>,
): Promise<T> {
  const sql = connectPostgres(url, { connect_timeout: 5 });
  return await Promise.resolve(work(sql)).finally(() => sql.end({ timeout: 1 }));
}
