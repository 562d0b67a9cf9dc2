import type { Sql } from 'postgres';
import { describe, expect, vi } from 'vitest';
import { ClinikoError } from '../../src/cliniko/error.ts';
import type { PatientSource } from '../../src/cliniko/source.ts';
import { cancelRun, requestCancel } from '../../src/sync/cancel-run.ts';
import { CancelledError } from '../../src/sync/failure.ts';
import { forceFailRun } from '../../src/sync/force-fail-run.ts';
import { assertLease } from '../../src/sync/lease.ts';
import { connectInTest, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { latestRun } from '../support/latest-run.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const post = (server: TestServer, path: string) => server.api(`/cliniko${path}`, { method: 'POST' });

/** A frozen owner holds the lease and does not react. The lease of a server of the previous version lasts longest. */
const frozen = (sql: Sql) =>
  sql`owner = 'frozen', lease_epoch = 7, lease_expires_at = clock_timestamp() + interval '14 seconds'`;

/** Starts a run and waits until its first request is in flight. */
async function running(server: TestServer): Promise<number> {
  const before = server.cliniko.requests.length;
  await post(server, '/sync-all/123');
  await vi.waitFor(() => expect(server.cliniko.requests.length).toBeGreaterThan(before), {
    timeout: 10_000,
  });
  return (await latestRun(server)).id;
}

/** Waits for neither the request in flight, which lasts 30 s and longer, nor the end of a frozen owner's lease. */
async function cancelled(server: TestServer) {
  const began = performance.now();
  const ended = await vi.waitFor(
    async () => {
      const log = await latestRun(server);
      expect(log.status).toBe('failed');
      return log;
    },
    { interval: 10 },
  );
  expect(performance.now() - began).toBeLessThan(10_000);
  return ended;
}

describe('a cancelled run', () => {
  test('ends within a second during a request, keeps what it stored, and sends no more requests', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 900 });
    server.cliniko.faults.onPage(5, { kind: 'hang' });
    const id = await running(server);
    await vi.waitFor(async () => expect((await latestRun(server)).records_processed).toBe(400), {
      timeout: 10_000,
    });

    const answer = await post(server, `/sync-logs/123/${id}/cancel`);
    expect(answer.status).toBe(202);
    const log = await cancelled(server);
    const requests = server.cliniko.requests.length;

    expect(log).toMatchObject({
      records_processed: 400,
      metadata: {
        error_type: 'SYNC_CANCELLED',
        phase: 'failed',
        retry_recommended: false,
        estimated_remaining: null,
        estimated_remaining_ms: null,
      },
    });
    const summary = await (await server.api('/cliniko/patients/123/summary')).json();
    expect(summary).toMatchObject({ total: 400 });
    expect((await post(server, `/sync-logs/123/${id}/cancel`)).status).toBe(409);
    expect(server.cliniko.requests.length).toBe(requests);
  });

  test('ends when another server gets the request', async ({ databaseUrl }) => {
    const owner = await startTestServer(databaseUrl, { latencyMs: 60_000 });
    const id = await running(owner);
    const other = await startTestServer(databaseUrl, { cliniko: owner.cliniko, organizations: [] });

    expect((await post(other, `/sync-logs/123/${id}/cancel`)).status).toBe(202);
    expect((await cancelled(other)).metadata.error_type).toBe('SYNC_CANCELLED');
  });

  test('ends when its owner is frozen, and the owner is fenced', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 60_000 });
    const id = await running(server);
    const sql = connectInTest(databaseUrl);
    await sql`update sync_runs set ${frozen(sql)}`;
    // The clock of the database was ahead at the start.
    await sql`update sync_logs set started_at = started_at + interval '1 hour',
      metadata = metadata || '{"estimated_remaining": "45 seconds", "estimated_remaining_ms": 45000}'`;
    await post(server, `/sync-logs/123/${id}/cancel`);
    const { started_at, completed_at, metadata } = await cancelled(server);
    expect(metadata).toMatchObject({ estimated_remaining: null, estimated_remaining_ms: null });
    expect(completed_at).toBe(started_at);

    const [run] = await sql`select lease_epoch, owner, ended_at from sync_runs`;
    expect(run).toMatchObject({ lease_epoch: 8, owner: null, ended_at: expect.any(Date) });
  });

  test('ends when its owner is frozen and another program replaced its metadata', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 60_000 });
    const sql = connectInTest(databaseUrl);
    for (const metadata of ['5', '"a text"', '["a list"]', null]) {
      const id = await running(server);
      await sql`update sync_runs set ${frozen(sql)} where sync_log_id = ${id}`;
      await sql`update sync_logs set metadata = ${metadata}::text::jsonb where id = ${id}`;
      expect((await post(server, `/sync-logs/123/${id}/cancel`)).status).toBe(202);
      expect((await cancelled(server)).metadata).toMatchObject({
        error_type: 'SYNC_CANCELLED',
        phase: 'failed',
        step: 'cancelled',
      });
    }
  });

  test('ends when its owner is frozen inside a transaction, which is rolled back', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 60_000 });
    const id = await running(server);
    const sql = connectInTest(databaseUrl);
    // Imitates a frozen owner in Postgres: an idle open transaction that locks the rows of its run.
    const held = sql.begin(async (tx) => {
      const [run] = await tx`select owner, lease_epoch from sync_runs where sync_log_id = ${id} for update`;
      const lease = { syncLogId: id, organizationId: 123, owner: run?.owner, epoch: run?.lease_epoch };
      await assertLease(tx, lease);
      await tx`update sync_logs set records_processed = 77 where id = ${id}`;
      expect(await tx`show idle_in_transaction_session_timeout`).toEqual([
        { idle_in_transaction_session_timeout: '5s' },
      ]);
      // The cancel ends the session itself, before this limit would.
      await tx`set local idle_in_transaction_session_timeout = 0`;

      expect((await post(server, `/sync-logs/123/${id}/cancel`)).status).toBe(202);
      expect((await cancelled(server)).records_processed).toBe(0);
    });
    await expect(held).rejects.toThrow(/terminat|CONNECTION/);
  });

  const whole = scriptedSource(people(30));
  const refused = async () => {
    throw new ClinikoError({ kind: 'unavailable', status: 503 });
  };
  test.for<[string, PatientSource]>([
    ['completes', whole],
    ['fails', { ...whole, page: refused }],
  ])(
    'ends as cancelled when it %s at the moment of the request, and is not tried again',
    async ([, source], { databaseUrl }) => {
      const { database, sql, ...engine } = await openEngine(databaseUrl);
      const { bus, logger } = engine.deps(source);
      await connectInTest(databaseUrl).begin(async (tx) => {
        // Keeps the run from ending.
        await tx`select from organizations for key share`;
        const id = await engine.start();
        await sql`update sync_logs set metadata = metadata || '{"trigger": {"kind": "schedule"}}'`;
        engine.work(source);
        await expect
          .poll(
            () =>
              sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          )
          .not.toHaveLength(0);
        await cancelRun({ database, bus, logger }, 123, id);
      });
      expect(await engine.ended()).toMatchObject({
        status: 'failed',
        metadata: {
          phase: 'failed',
          step: 'cancelled',
          error_type: 'SYNC_CANCELLED',
          retry_recommended: false,
        },
      });
      expect(await sql`select retry_at from organizations`).toEqual([{ retry_at: null }]);
    },
  );

  test('is one that the database has as cancelled: any session may send a notification', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    const source = scriptedSource(people(30));
    const { bus } = engine.deps(source);
    source.onPage(2, async (query, options) => {
      const [run] = await engine.sql<{ id: number }[]>`select sync_log_id as id from sync_runs`;
      bus.publish({ organizations: [], work: false, cancelled: [run?.id ?? 0] });
      options.signal.throwIfAborted();
      return await source.page(query, options);
    });

    expect(await engine.syncWith(source)).toMatchObject({ status: 'completed', records_processed: 30 });
  });

  test('of another program is not ended', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connectInTest(databaseUrl);
    const [row] = await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (123, 'x', 'running', now()) returning id`;

    const answer = await post(server, `/sync-logs/123/${row?.id}/cancel`);
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ code: 'NOT_OURS' });
  });

  test('that another program has ended already is refused', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 60_000 });
    const id = await running(server);
    const sql = connectInTest(databaseUrl);
    await sql`update sync_logs set status = 'completed' where id = ${id}`;

    const answer = await post(server, `/sync-logs/123/${id}/cancel`);
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ code: 'ALREADY_ENDED' });
  });

  test('is ended by the worker that executes it, which does not release it first', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    const source = scriptedSource(people(30));
    let onAsked = () => {};
    const asked = new Promise<void>((resolve) => {
      onAsked = resolve;
    });
    source.onPage(1, (_query, { signal }) => {
      onAsked();
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    engine.work(source);
    const id = await engine.start();
    await asked;

    await engine.sql.begin((tx) => requestCancel(tx, id));
    engine.deps(source).bus.publish({ organizations: [123], work: false, cancelled: [id] });
    expect(await engine.ended()).toMatchObject({ metadata: { error_type: 'SYNC_CANCELLED', attempt: 1 } });
  });

  test('is announced when it is requested, and when a server has ended it for its owner', async ({
    databaseUrl,
  }) => {
    const { database, ...engine } = await openEngine(databaseUrl);
    const { bus, logger } = engine.deps(scriptedSource([]));
    const id = await engine.start();
    const announced: (readonly number[])[] = [];
    bus.subscribe(({ organizations }) => announced.push(organizations));

    await cancelRun({ database, bus, logger }, 123, id);
    const { metadata } = await engine.ended();
    expect(metadata).toMatchObject({ error_type: 'SYNC_CANCELLED' });
    expect(metadata).not.toHaveProperty('queue_position');
    await expect.poll(() => announced).toEqual([[123], [123]]);
  });

  test('keeps the end that another program writes before a server ends it for its owner', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    const id = await engine.start();
    await engine.sql`update sync_logs set status = 'completed', error_details = 'by hand'`;
    await engine.sql.begin((tx) => forceFailRun(tx, id, new CancelledError()));
    expect(await engine.latest()).toMatchObject({ status: 'completed', error_details: 'by hand' });
    expect(await engine.sql`select from sync_runs where ended_at is null`).toHaveLength(0);
  });
});
