/** The metrics that an operator on call needs, on a real server that does real work. */
import { readFile } from 'node:fs/promises';
import perfHooks from 'node:perf_hooks';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { SyncErrorType } from '#contract/sync-log.ts';
import { openDatabase } from '../../src/database/open.ts';
import { createDatabaseStatsReader } from '../../src/metrics/database-stats.ts';
import { createMetrics, type MetricSources } from '../../src/metrics/metrics.ts';
import { claimNextRun } from '../../src/sync/lease.ts';
import { startRun } from '../../src/sync/start-run.ts';
import { connectInTest, test } from '../support/database.ts';
import { putJson, startTestServer, type TestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { wholeSync } from '../support/whole-sync.ts';
import { startReceiver } from '../webhooks/support/receiver.ts';
import { readSamples, scrape } from './support/scrape.ts';

const PATIENTS = 120;
const OPERATIONS = new URL('../../docs/operations/', import.meta.url);

async function syncOnce(server: TestServer): Promise<void> {
  const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
  await stream.until((sent) => sent.length === 2);
  await server.api('/cliniko/sync-all/123', { method: 'POST' });
  await stream.until(hasEnded);
  stream.close();
}

describe('the metrics of a server that has synced', () => {
  test('include patients, requests, batches and the delivery time of events', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: PATIENTS });
    await syncOnce(server);
    const { value, sum } = readSamples(await scrape(server.url));

    expect(value('patient_sync_patients_total', { result: 'inserted' })).toBe(PATIENTS);
    expect(value('patient_sync_runs_ended_total', { outcome: 'completed', operation: 'full_patients' })).toBe(
      1,
    );
    expect(value('patient_sync_run_claims_total', { kind: 'fresh' })).toBe(1);
    expect(value('patient_sync_cliniko_request_seconds_count', { outcome: 'ok' })).toBe(
      server.cliniko.requests.length,
    );
    expect(value('patient_sync_delivery_lag_seconds_count')).toBeGreaterThan(3);
    expect(value('patient_sync_delivery_lag_seconds_sum')).toBeLessThan(30);
    expect(value('patient_sync_batch_seconds_count')).toBeGreaterThan(PATIENTS / 50 - 1);
    const starts = { route: '/api/v1/cliniko/sync-all/:orgId', method: 'POST', status: '200' };
    expect(value('patient_sync_http_request_seconds_count', starts)).toBe(1);
    expect(sum('patient_sync_runs')).toBe(0);
    expect(value('patient_sync_oldest_run_age_seconds')).toBe(0);
    expect(value('patient_sync_listener_healthy')).toBe(1);
    expect(value('patient_sync_database_up')).toBe(1);
    expect(value('patient_sync_notification_queue_usage_ratio')).toBeLessThan(0.01);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
  });

  test('name no organization, no address and no key', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: PATIENTS, organizations: [987_654] });
    await server.api('/cliniko/sync-logs/987654?limit=1');
    await fetch(`${server.url}/nothing/987654`);
    const text = await scrape(server.url);

    // Not in the values, whose digits are anything.
    expect(text.replace(/ [-+\d.e]+$/gm, '')).not.toContain('987654');
    expect(text).not.toContain(server.cliniko.apiKey);
    expect(text).toContain('route="/api/v1/cliniko/sync-logs/:orgId"');
    expect(text).toContain('route="/*",status="404"');
  });
});

describe('runs that have not ended', () => {
  test('are counted by state, with their age', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const database = openDatabase(databaseUrl);
    onTestFinished(() => database.close());
    await database.sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (5, 'by_hand', 'running', (now() at time zone 'utc') - interval '10 minutes')`;
    await scrapeUntil(server, 'patient_sync_runs', { state: 'foreign' }, 1);

    const { value } = readSamples(await scrape(server.url));
    expect(value('patient_sync_oldest_run_age_seconds')).toBeGreaterThan(590);
    // The trigger saw the row only now.
    expect(value('patient_sync_longest_run_silence_seconds')).toBeLessThan(60);
  });

  test('and a run whose worker fell silent is counted as taken over by the next', async ({ databaseUrl }) => {
    const database = openDatabase(databaseUrl);
    onTestFinished(() => database.close());
    await database.sql`insert into organizations (id, country, time_zone, validation)
      values (123, 'AU', 'Australia/Sydney', '{"phone": "warn", "email": "optional"}')`;
    await startRun(database, 123, 'full_patients');
    await claimNextRun(database, 'a-server-that-died');
    await database.sql`update sync_runs set lease_expires_at = clock_timestamp() - interval '1 second'`;

    const server = await startTestServer(databaseUrl);
    await scrapeUntil(server, 'patient_sync_run_claims_total', { kind: 'taken-over' }, 1);
  });
});

describe('what waits for a person', () => {
  test('is counted: quarantined records, deliveries that have not arrived, and the oldest success', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, {
      organizations: [123, 124],
      patients: 200,
      config: { webhooksMayLoopBack: true },
    });
    const receiver = await startReceiver(500);
    const rules = { validation: { phone: 'reject', email: 'require' } };
    const daily = { schedule: { cron: '0 2 * * *', time_zone: 'Australia/Sydney' } };
    await putJson(server.api, '/organizations/123', { ...rules, ...daily });
    await putJson(server.api, '/organizations/124', daily);
    const endpoint = { url: receiver.url, organizations: [123], events: ['sync.completed'] };
    await server.api('/webhooks', { method: 'POST', body: JSON.stringify(endpoint) });
    const { records_failed: rejected } = await wholeSync(server);
    const sql = connectInTest(databaseUrl);
    // The other clinic has had no success since its schedule was made.
    await sql`update organizations set scheduled_since = now() - interval '3 days' where id = 124`;
    await sql`update webhook_deliveries set created_at = now() - interval '2 hours'`;
    await receiver.until(1);
    await scrapeUntil(server, 'patient_sync_webhook_delivery_seconds_count', { outcome: 'retried' }, 1);

    const { value } = readSamples(await scrape(server.url));
    expect(rejected).toBeGreaterThan(0);
    expect(value('patient_sync_quarantined_patients')).toBe(rejected);
    expect(value('patient_sync_webhooks_pending')).toBe(1);
    expect(value('patient_sync_oldest_pending_webhook_seconds')).toBeGreaterThan(7_190);
    expect(value('patient_sync_oldest_success_seconds')).toBeGreaterThan(3 * 86_400 - 60);
    expect(value('patient_sync_oldest_success_seconds')).toBeLessThan(3 * 86_400 + 3_600);
  });
});

describe('the way of nudges', () => {
  test('is counted: what was heard, and each time after which something may be missing', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: PATIENTS });
    const before = readSamples(await scrape(server.url));
    await syncOnce(server);
    const sql = connectInTest(databaseUrl);
    const received = readSamples(await scrape(server.url)).value('patient_sync_nudges_heard_total') ?? 0;
    expect(received).toBeGreaterThan(before.value('patient_sync_nudges_heard_total') ?? 0);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'patient-sync listener'`;
    const gaps = before.value('patient_sync_listener_gaps_total') ?? 0;
    await scrapeUntil(server, 'patient_sync_listener_gaps_total', {}, gaps + 1);
    expect(readSamples(await scrape(server.url)).value('patient_sync_nats_connected')).toBe(0);
  });
});

describe('a rate limit', () => {
  test('is counted by outcome, without naming whose it is', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: PATIENTS, requestsPerMinute: 1 });
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await scrapeUntil(server, 'patient_sync_cliniko_request_seconds_count', { outcome: 'rate-limited' }, 1);
  });
});

describe('open streams', () => {
  test('are counted by transport, and the drain is visible', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const streams = await Promise.all(
      [1, 2, 3].map(() => openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`)),
    );
    await scrapeUntil(server, 'patient_sync_connections', { transport: 'sse' }, streams.length);
    const { value } = readSamples(await scrape(server.url));
    expect(value('patient_sync_connections', { transport: 'websocket' })).toBe(0);
    expect(value('patient_sync_draining')).toBe(0);
  });
});

describe('two servers in one process', () => {
  test('report it both, and observe it once', async ({ databaseUrl }) => {
    const observed = vi.spyOn(perfHooks, 'monitorEventLoopDelay');
    const servers = [await startTestServer(databaseUrl), await startTestServer(databaseUrl)];
    // None, when an earlier server of this process did.
    expect(observed.mock.calls.length).toBeLessThanOrEqual(1);
    for (const { url } of servers) {
      const text = await scrape(url);
      expect(text.match(/^nodejs_eventloop_lag_p99_seconds /gm)).toHaveLength(1);
      expect(readSamples(text).value('process_start_time_seconds')).toBeGreaterThan(1_700_000_000);
    }
  });
});

describe('what alerts and panels count', () => {
  test('is 0 before it happens for the first time: the first time is an increase', async () => {
    const { metrics, read } = newMetrics();
    const rules = await readFile(new URL('alerts.yml', OPERATIONS), 'utf8');
    const panels = await readFile(new URL('grafana-dashboard.json', OPERATIONS), 'utf8');
    const counted = [...`${rules}${panels}`.matchAll(/increase\((\w+)(?:\{([^}]*)\})?\[/g)];
    expect(counted.length).toBeGreaterThan(8);
    const { value, sum } = await read();
    for (const [selector, name = '', labels = ''] of counted) {
      const exact = [...labels.matchAll(/(\w+)="([\w-]+)"/g)];
      const wanted = Object.fromEntries(exact.map(([, label = '', word = '']) => [label, word]));
      expect(value(name, wanted), selector).toBe(0);
      expect(sum(name), selector).toBe(0);
    }
    for (const error_type of SyncErrorType.options)
      expect(value('patient_sync_runs_ended_total', { outcome: 'failed', error_type }), error_type).toBe(0);

    metrics.requestAnswered({ method: 'GET', route: '/api/v1/overview', status: 500, seconds: 0.1 });
    metrics.requestAnswered({ method: 'GET', route: '/api/v1/overview', status: 503, seconds: 0.1 });
    expect((await read()).value('patient_sync_internal_errors_total')).toBe(1);
  });
});

describe('an unavailable database', () => {
  test('still allows a scrape: its own metrics are absent, not zero', async ({ databaseUrl }) => {
    const database = openDatabase(databaseUrl.replace(/:\d+\//, ':1/'));
    onTestFinished(() => database.close());
    const { metrics } = newMetrics(createDatabaseStatsReader(database.sql));
    const text = await metrics.read();
    const { value } = readSamples(text);
    expect(value('patient_sync_database_up')).toBe(0);
    expect(value('patient_sync_draining')).toBe(1);
    expect(text).not.toContain('patient_sync_oldest_run_age_seconds ');
    expect(text).not.toContain('patient_sync_runs{');
  });
});

describe('a request', () => {
  test('is logged with its pattern and ids, never with its query', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    await server.api('/cliniko/sync-logs/123?limit=7&token=canary');
    const log = await vi.waitFor(() => {
      const found = server.logged().match(/^\[DEBUG\] GET \/api\/v1\/cliniko\/sync-logs\/:orgId 200.*$/m);
      if (found === null) throw new Error('Not logged yet.');
      return found[0];
    });
    expect(log).toContain('organization_id=123');
    expect(log).toMatch(/ seconds=\d+\.\d+/);
    expect(server.logged()).not.toContain('canary');
  });
});

function newMetrics(readDatabaseStats: MetricSources['readDatabaseStats'] = async () => undefined) {
  const metrics = createMetrics({
    readDatabaseStats,
    isListenerHealthy: () => false,
    isNatsConnected: () => false,
    isDraining: () => true,
    live: () => ({ sseConnections: 0, socketConnections: 0, folded: 0, closedSlow: 0 }),
  });
  return { metrics, read: async () => readSamples(await metrics.read()) };
}

async function scrapeUntil(
  server: TestServer,
  name: string,
  labels: Record<string, string>,
  atLeast: number,
): Promise<void> {
  await vi.waitFor(
    async () => {
      const { value } = readSamples(await scrape(server.url));
      if ((value(name, labels) ?? 0) < atLeast) throw new Error(`${name} is ${value(name, labels)}`);
    },
    { timeout: 20_000, interval: 50 },
  );
}
