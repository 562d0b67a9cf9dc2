/** A database that becomes unavailable while its connections stay open. */
import { Writable } from 'node:stream';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { logOutages } from '../../src/database/outage-log.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { createReadinessCheck, healthRoutes } from '../../src/server/health-routes.ts';
import { createActivity } from '../../src/sync/activity.ts';
import { connectInTest, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { clinikoRecords, people, scriptedSource } from '../support/scripted-source.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';

describe('a failover', () => {
  test('that leaves connections read-only fails no run', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const clinic = people(60);
    const source = scriptedSource(clinic);
    source.onPage(3, async () => {
      const sessions = Array.from(
        { length: 10 },
        () => engine.sql`select set_config('default_transaction_read_only', 'on', false), pg_sleep(0.1)`,
      );
      await Promise.all(sessions);
      return { records: clinikoRecords(clinic.slice(20, 30)), totalEntries: 60, hasNext: true };
    });
    expect(await engine.syncWith(source)).toMatchObject({ status: 'completed', records_processed: 60 });
  });

  test('to a read-only standby is not accepted as a connection', async ({ databaseUrl }) => {
    const admin = connectInTest(databaseUrl);
    const [row] = await admin<{ name: string }[]>`select current_database() as name`;
    await admin`alter database ${admin(row?.name ?? '')} set default_transaction_read_only = on`;
    const database = openDatabase(databaseUrl, { max: 2 });
    onTestFinished(() => database.close());
    await expect(database.sql`select 1`).rejects.toMatchObject({ code: 'CONNECTION_DESTROYED' });
    await admin`set default_transaction_read_only = off`;
    await admin`alter database ${admin(row?.name ?? '')} reset default_transaction_read_only`;
    await vi.waitFor(() => database.sql`create table written ()`);
  });
});

describe('a network that drops packets of open connections', () => {
  test('delays a run by the response time limit and no more', async ({ databaseUrl }) => {
    const network = await openTcpProxy(databaseUrl);
    const engine = await openEngine(network.url, { answerLimitMs: 1_000 });
    const clinic = people(60);
    const source = scriptedSource(clinic);
    source.onPage(3, async () => {
      network.goSilent();
      return { records: clinikoRecords(clinic.slice(20, 30)), totalEntries: 60, hasNext: true };
    });
    expect(await engine.syncWith(source)).toMatchObject({ status: 'completed', records_processed: 60 });
    expect(await engine.countPatients()).toBe(60);
  });

  test('makes a server not ready, which it logs once', async ({ databaseUrl }) => {
    const network = await openTcpProxy(databaseUrl);
    const database = openDatabase(network.url, { answerLimitMs: 6_000, max: 1 });
    onTestFinished(() => database.close());
    const lines: string[] = [];
    const output = new Writable({ write: (line, _encoding, done) => done(void lines.push(String(line))) });
    const logger = createLogger({ level: 'info', format: 'pretty', colour: false }, output);
    onTestFinished(logOutages(database, logger, 50));
    const routes = healthRoutes(
      createReadinessCheck(
        database,
        createMemoryBus(),
        () => false,
        'none',
        async () => [],
      ),
    );
    expect((await routes.request('/readyz')).status).toBe(200);
    network.goSilent();
    expect((await routes.request('/readyz')).status).toBe(503);
    await vi.waitFor(() => expect(lines).toHaveLength(2), { timeout: 20_000 });
    expect(lines[0]).toMatch(/^\[WARN\] The database is unavailable \(CONNECT_TIMEOUT\)/);
    expect(lines[1]).toMatch(/^\[INFO\] The database answers again, after \d+ s\.\n$/);
    expect((await routes.request('/readyz')).status).toBe(200);
  });
});

describe('a run that makes no progress', () => {
  test('is aborted and continues with another claim', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const source = scriptedSource(people(60));
    // It never responds and ignores the abort signal.
    source.onPage(3, () => new Promise(() => {}));
    engine.work(source, { stalledAfterMs: 500 });
    await engine.start();
    expect(await engine.ended()).toMatchObject({ status: 'completed', records_processed: 60 });
  });

  test('keeps its lease during a wait that it has reported', async () => {
    let time = 0;
    const activity = createActivity(1_000, () => time);
    activity.waitsUntil(new Date(Date.now() + 60_000));
    time = 59_000;
    expect(activity.isStalled).toBe(false);
    time = 62_000;
    expect(activity.isStalled).toBe(true);
    const slot = activity.during(new Promise<void>((resolve) => setImmediate(resolve)));
    expect(activity.isStalled).toBe(false);
    await slot;
    expect(activity.isStalled).toBe(false);
    time = 64_000;
    expect(activity.isStalled).toBe(true);
    activity.moved();
    expect(activity.isStalled).toBe(false);
  });
});

describe('a database whose clock was ahead', () => {
  test('leaves no lease that lasts longer than the lease duration', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const id = await engine.start();
    await engine.sql`update sync_runs set owner = 'gone', lease_expires_at = clock_timestamp() + interval '1 hour'
      where sync_log_id = ${id}`;
    engine.work(scriptedSource(people(20)));
    expect(await engine.ended()).toMatchObject({ status: 'completed' });
  });

  test('ends no run before its start time', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const id = await engine.start();
    await engine.sql`update sync_logs set started_at = started_at + interval '1 hour' where id = ${id}`;
    await engine.sql`update sync_runs set created_at = created_at + interval '1 hour' where sync_log_id = ${id}`;
    engine.work(scriptedSource(people(20)));
    const log = await engine.ended();
    expect(log.completed_at).toBe(log.started_at);
  });
});
