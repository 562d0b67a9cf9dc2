/** The sync log of a run: its steps, its trigger, its failure, and counters that queries divide by. */
import { describe, expect, vi } from 'vitest';
import { StartedSync, SyncLog, SyncStep } from '#contract/sync-log.ts';
import { openDatabase } from '../../src/database/open.ts';
import { claimNextRun } from '../../src/sync/lease.ts';
import { OURS, startGuardedServer } from '../access/support/guarded-server.ts';
import { connectInTest as connect, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { guideBlocks } from '../support/guide.ts';
import { latestRun } from '../support/latest-run.ts';
import { people, person, scriptedSource } from '../support/scripted-source.ts';
import { logTextOf } from '../support/sent-event.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';

async function start(server: TestServer): Promise<StartedSync> {
  const answer = await server.api('/cliniko/sync-all/123', { method: 'POST' });
  expect(answer.status).toBe(200);
  return StartedSync.parse(await answer.json());
}

describe('a run', () => {
  test('passes through all steps and never goes back, in the table and in the stream', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 250, latencyMs: 30 });
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await stream.until((events) => events.some(({ event }) => event === 'snapshot'));
    expect(await start(server)).toMatchObject({
      success: true,
      message: 'The sync (full_patients) was started.',
      already_running: false,
      result: null,
      timestamp: expect.any(String),
      log: { metadata: { step: 'initializing', queue_position: 1, trigger: { kind: 'person' } } },
    });
    const events = await stream.until(hasEnded);
    const logs = events
      .filter(({ id, event }) => id !== undefined && event !== 'snapshot')
      .map(({ data }) => SyncLog.parse(JSON.parse(logTextOf(data))));
    const steps = logs.map(({ metadata }) => SyncStep.parse(metadata.step));
    expect([...new Set(steps)]).toEqual(SyncStep.options.slice(0, 7));
    const places = steps.map((step) => SyncStep.options.indexOf(step));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    for (const { metadata, created_at, started_at, updated_at, source_system, records_processed } of logs) {
      expect([created_at, source_system]).toEqual([started_at, 'cliniko']);
      expect(updated_at >= started_at).toBe(true);
      expect(metadata).toMatchObject({ patients_processed: records_processed, patients_deleted: 0 });
      expect(metadata.patients_loaded).toBeGreaterThanOrEqual(records_processed);
      expect(metadata.total_patients).toBe(metadata.patients_found);
    }
    const [row] = await connect(databaseUrl)`select metadata from sync_logs`;
    expect(row?.metadata).toEqual(logs.at(-1)?.metadata);
  });

  test('that is resumed never goes back a step', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const steps: unknown[] = [];
    const source = scriptedSource(people(30));
    source.onPage(
      3,
      (_query, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        }),
    );
    const first = engine.work(source);
    await engine.start();
    await vi.waitFor(async () => expect((await engine.latest()).records_processed).toBe(20), {
      timeout: 10_000,
    });
    await first.stop();
    expect((await engine.latest()).metadata.step).toBe('storing_patients');
    engine.work(source);
    await engine.ended();
    const events =
      await engine.sql`select row -> 'metadata' ->> 'step' as step from sync_events order by seq`;
    steps.push(...events.map(({ step }) => SyncStep.options.indexOf(step)));
    expect(steps).toEqual(steps.toSorted());
  });

  test('names the account that started it, and never its token', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 20 });
    const token = await server.token({ name: 'Reception', scope: 'sync' });
    const answer = await server.as(token, `/cliniko/sync-all/${OURS}`, { method: 'POST' });
    const text = await answer.text();
    expect(JSON.parse(text).log.metadata.trigger).toEqual({ kind: 'token', name: 'Reception' });
    expect(text).not.toContain(token);
    await vi.waitFor(
      async () => {
        const list = await (await server.as(token, `/cliniko/sync-logs/${OURS}`)).json();
        expect(list.logs[0]).toMatchObject({
          status: 'completed',
          metadata: { trigger: { kind: 'token', name: 'Reception' } },
        });
      },
      { timeout: 10_000 },
    );
  });

  test('without a key fails as documented, and its reason is the newest of its errors', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    await server.api('/organizations/123', { method: 'PUT', body: '{}' });
    await start(server);
    const log = await vi.waitFor(
      async () => {
        const found = await latestRun(server);
        expect(found.status).toBe('failed');
        return found;
      },
      { timeout: 10_000 },
    );
    const reason = 'Cliniko API authentication failed: No API key stored';
    expect(log).toMatchObject({
      error_details: reason,
      metadata: {
        error_type: 'CLINIKO_AUTH_FAILED',
        solution: "Add the organization's Cliniko API key",
        step: 'failed',
        error: reason,
        errors: [reason],
        errors_total: 0,
      },
    });
  });

  test('that is cancelled reports it, even when another server ends it', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    // Imitates a frozen server: it holds the lease and does not react.
    const id = await engine.start();
    await claimNextRun(engine.database, 'frozen');
    await engine.sql`update sync_logs set metadata = metadata || jsonb_build_object('errors',
      (select jsonb_agg('Patient ID ' || n || ': x') from generate_series(1, 20) as n)) where id = ${id}`;
    const server = await startTestServer(databaseUrl, { organizations: [] });
    await server.api(`/cliniko/sync-logs/123/${id}/cancel`, { method: 'POST' });
    const log = await engine.ended();
    expect(log.metadata).toMatchObject({ step: 'cancelled', error: log.error_details });
    expect(log.metadata.errors).toHaveLength(20);
    expect(log.metadata.errors?.at(-1)).toBe(log.error_details);
  });

  test('of an unknown type is left to a server that knows it', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    await engine.start();
    await engine.sql`update sync_runs set operation_type = 'of_the_future', created_at = '2020-01-01'`;
    await engine.sql`insert into organizations (id, country, time_zone, validation)
      values (124, 'AU', 'Australia/Sydney', '{"phone": "warn", "email": "optional"}')`;
    const database = openDatabase(databaseUrl);
    expect(await claimNextRun(database, 'this-version')).toBeUndefined();
    await engine.sql`update sync_runs set operation_type = 'full_patients'`;
    expect(await claimNextRun(database, 'this-version')).toMatchObject({ type: 'full_patients' });
    await database.close();
  });

  test('that reads no patient leaves counters by which the SQL of the guide can divide', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    const log = await engine.syncWith(scriptedSource([]));
    expect(log).toMatchObject({
      status: 'completed',
      records_processed: 0,
      records_success: 0,
      records_failed: 0,
    });
    await engine.syncWith(scriptedSource([person(1)]));
    for (const query of await guideBlocks('sql')) {
      if (query.includes('SELECT')) await engine.sql.unsafe(query);
    }
  });
});

describe('a stream', () => {
  test.for([
    ['lastEventId', (cursor: string) => [`?lastEventId=${cursor}`, {}]],
    ['lastEventId before since', (cursor: string) => [`?since=${cursor}0&lastEventId=${cursor}`, {}]],
    ['the header before both', (cursor: string) => [`?since=x&lastEventId=y`, { 'last-event-id': cursor }]],
  ] as const)('is resumed by %s', async ([, ask], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 30 });
    const { log } = await start(server);
    await vi.waitFor(async () => expect((await latestRun(server)).status).toBe('completed'), {
      timeout: 10_000,
    });
    const [query, headers] = ask(log.cursor ?? '');
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events${query}`, {
      ...headers,
    });
    const events = await stream.until(hasEnded);
    expect(JSON.parse(events[0]?.data ?? '')).toMatchObject({ type: 'hello', recovered: true });
    expect(events.filter(({ event }) => event === 'snapshot')).toEqual([]);
    expect(events[1]?.id?.split('.')[1]).toBe(String(Number(log.cursor?.split('.')[1]) + 1));
  });
});
