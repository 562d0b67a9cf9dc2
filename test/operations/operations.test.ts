/** Bulk operations: one action for many organizations, at most once for each, on every server and after a kill. */
import { once } from 'node:events';
import type { Sql } from 'postgres';
import { describe, expect, vi } from 'vitest';
import { BulkOperation, CreatedOperation, type OperationRequest } from '#contract/bulk-operation.ts';
import { Organization } from '#contract/organization.ts';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { workOnOperations } from '../../src/operations/work-on-operations.ts';
import { type GuardedServer, startGuardedServer } from '../access/support/guarded-server.ts';
import { connectInTest, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';
import { startTestServer } from '../support/server.ts';
import { startServerProcess } from '../support/server-process.ts';

const CLINICS = 300;

/** Clinics 1 to `count`, without a key, so that a run of theirs ends at once. */
async function insertClinics(sql: Sql, count: number): Promise<void> {
  await sql`insert into organizations (id, country, time_zone, validation)
    select id, 'AU', 'Australia/Sydney', '{"phone": "warn", "email": "optional"}' from generate_series(1, ${count}) as id
    on conflict do nothing`;
}

async function insertRuns(
  sql: Sql,
  ids: readonly number[],
  run: { status: string; type?: string; error?: string },
) {
  const { status, type = 'full_patients', error } = run;
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at, metadata)
    select id, ${type}, ${status}, now() at time zone 'utc' - interval '1 hour',
      case when ${status} <> 'running' then now() at time zone 'utc' end,
      ${JSON.stringify(error === undefined ? {} : { error_type: error })}::text::jsonb
    from unnest(${ids as number[]}::int[]) as id`;
}

const startedRuns = (sql: Sql) => sql<{ id: number; type: string; count: number }[]>`
  select organization_id as id, min(operation_type) as type, count(*)::int as count from sync_logs
  where metadata -> 'trigger' is not null group by organization_id order by organization_id`;

const auditOf = (sql: Sql) => sql<{ action: string; details: object }[]>`
  select action, details from audit_log where action like 'operation.%' order by id`;

async function create(server: GuardedServer, request: OperationRequest, token = server.admin, key?: string) {
  return await server.as(token, '/operations', {
    method: 'POST',
    body: JSON.stringify(request),
    ...(key !== undefined && { headers: { 'idempotency-key': key } }),
  });
}

/** Until a session waits for a lock in a statement that holds this text. */
async function untilBlocked(sql: Sql, text: string): Promise<void> {
  await vi.waitFor(
    async () =>
      expect(
        await sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
          and position(${text} in query) > 0 and pid <> pg_backend_pid()`,
      ).toHaveLength(1),
    { timeout: 10_000, interval: 20 },
  );
}

async function untilEnded(server: GuardedServer, response: Response): Promise<BulkOperation> {
  const { operation_id } = CreatedOperation.parse(await response.json());
  return await vi.waitFor(
    async () => {
      const operation = BulkOperation.parse(
        await (await server.as(server.admin, `/operations/${operation_id}`)).json(),
      );
      expect(operation.status).not.toBe('running');
      return operation;
    },
    { timeout: 20_000, interval: 50 },
  );
}

describe('a retry of 300 failed clinics', () => {
  test('starts one run for each, also when a server is killed in the middle, and is audited once', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    await insertClinics(sql, CLINICS + 1);
    const ids = Array.from({ length: CLINICS }, (_, index) => index + 1);
    await insertRuns(sql, ids, { status: 'failed', type: 'active_patients', error: 'CLINIKO_UNAVAILABLE' });
    const cliniko = await startClinikoSimulator({ patients: 0, requestsPerMinute: Number.POSITIVE_INFINITY });
    const killed = await startServerProcess({ cliniko, databaseUrl });
    const response = await fetch(`${killed.url}/api/v1/operations`, {
      method: 'POST',
      body: JSON.stringify({
        action: 'retry',
        filter: { state: ['failed'], error_type: ['CLINIKO_UNAVAILABLE'] },
      }),
    });
    const { operation_id, matched } = CreatedOperation.parse(await response.json());
    expect(matched).toBe(CLINICS);
    const countDone = async () => {
      const [row] = await sql<{ count: number }[]>`
        select count(*)::int from bulk_operation_targets where outcome is not null`;
      return row?.count ?? 0;
    };
    await vi.waitFor(async () => expect(await countDone()).toBeGreaterThan(0), {
      timeout: 20_000,
      interval: 5,
    });
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    expect(await countDone()).toBeLessThan(CLINICS);

    const next = await startTestServer(databaseUrl, { organizations: [], cliniko });
    const operation = await vi.waitFor(
      async () => {
        const read = await (await next.api(`/operations/${operation_id}`)).json();
        expect(read).toMatchObject({ status: 'completed' });
        return BulkOperation.parse(read);
      },
      { timeout: 30_000, interval: 100 },
    );
    expect(operation).toMatchObject({
      action: 'retry',
      matched: CLINICS,
      done: CLINICS,
      skipped: 0,
      failed: 0,
    });
    expect(await startedRuns(sql)).toEqual(ids.map((id) => ({ id, type: 'active_patients', count: 1 })));
    const details = { operation_id, operation: 'retry', matched: CLINICS };
    expect(await auditOf(sql)).toEqual([{ action: 'operation.create', details }]);
    const [first] = await sql`select metadata -> 'retry_of' as retry_of, metadata -> 'trigger' as trigger
      from sync_logs where organization_id = 1 order by id desc limit 1`;
    expect(first).toEqual({ retry_of: 1, trigger: { kind: 'person' } });
    await cliniko.close();
  });
});

describe('the operations of a server', () => {
  test('act on what the filters match and the account may act on', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, {
      organizations: [],
      config: { syncConcurrency: 1 },
    });
    const { sql } = server.database;
    await insertClinics(sql, 9);
    await insertRuns(sql, [1, 2, 3], { status: 'failed', error: 'CLINIKO_UNAVAILABLE' });
    await insertRuns(sql, [4], { status: 'failed', error: 'CLINIKO_AUTH_FAILED' });
    await insertRuns(sql, [5], { status: 'completed' });
    await insertRuns(sql, [6], { status: 'running', type: 'by_another_program' });
    const syncs = await server.token({ scope: 'sync', organizations: [1, 2, 5, 6] });
    const reads = await server.token({ scope: 'read', organizations: '*' });
    const matchedBy = async (request: OperationRequest, token = server.admin) => {
      const operation = await untilEnded(server, await create(server, request, token));
      return [operation.matched, operation.done, operation.skipped];
    };

    // Refused, before anything happens.
    const all = { all: true } as const;
    for (const [request, token, status, code, field] of [
      [{ action: 'start', filter: all }, reads, 403, 'FORBIDDEN'],
      [{ action: 'pause', filter: all }, syncs, 403, 'FORBIDDEN'],
      [{ action: 'start', filter: { organizations: [1, 3] } }, syncs, 403, 'FORBIDDEN'],
      [{ action: 'start', filter: { organizations: [999] } }, syncs, 403, 'FORBIDDEN'],
      [{ action: 'start', filter: {} }, syncs, 400, 'INVALID_PARAMETER', 'filter'],
      [
        { action: 'start', filter: { organizations: [0] } },
        syncs,
        400,
        'INVALID_PARAMETER',
        'filter.organizations.0',
      ],
      [{ action: 'start', filter: { state: ['fine'] } }, syncs, 400, 'INVALID_PARAMETER', 'filter.state.0'],
      [{ action: 'start', filter: { name: 'x' } }, syncs, 400, 'INVALID_PARAMETER', 'filter.name'],
      [{ action: 'retry', mode: 'full', filter: all }, syncs, 400, 'INVALID_PARAMETER', 'mode'],
      [{ action: 'start', reason: 'x', filter: all }, syncs, 400, 'INVALID_PARAMETER', 'reason'],
      [{ action: 'erase', filter: all }, syncs, 400, 'INVALID_PARAMETER', 'action'],
    ] as const) {
      const refused = await create(server, request as unknown as OperationRequest, token);
      expect([refused.status, await refused.json()], JSON.stringify(request)).toMatchObject([
        status,
        { code, ...(field !== undefined && { field }) },
      ]);
    }
    expect(await auditOf(sql)).toEqual([]);

    // Paused and resumed, with their reason; the settings show it.
    const named: OperationRequest['filter'] = { state: ['never'], organizations: [7, 8, 999] };
    const pause: OperationRequest = { action: 'pause', reason: 'Cliniko moves', filter: named };
    expect(await matchedBy(pause)).toEqual([2, 2, 0]);
    expect(await matchedBy({ action: 'pause', filter: { organizations: [7] } })).toEqual([1, 0, 1]);
    const settings = async () =>
      Organization.parse(await (await server.as(server.admin, '/organizations/7')).json());
    expect(await settings()).toMatchObject({ paused: true, paused_reason: 'Cliniko moves' });
    await sql`update organizations set key_refusals = 2`;
    expect(await matchedBy({ action: 'resume', filter: { state: ['paused'] } })).toEqual([2, 2, 0]);
    expect(await sql`select id from organizations where key_refusals = 0 order by id`).toEqual([
      { id: 7 },
      { id: 8 },
    ]);
    expect(await settings()).toMatchObject({ paused: false, paused_reason: null });

    // A retry of what failed for one cause; only the organizations of the account.
    const retry: OperationRequest = { action: 'retry', filter: { error_type: ['CLINIKO_UNAVAILABLE'] } };
    expect(await matchedBy(retry, syncs)).toEqual([2, 2, 0]);
    expect(await matchedBy({ action: 'retry', filter: { organizations: [3, 5] } })).toEqual([2, 1, 1]);
    await vi.waitFor(async () =>
      expect(await sql`select from sync_runs where ended_at is null`).toHaveLength(0),
    );
    // A run is running already; another one is not ours.
    expect(
      await matchedBy({ action: 'start', mode: 'changed', filter: { organizations: [5, 6] } }, syncs),
    ).toEqual([2, 1, 1]);
    expect((await startedRuns(sql)).map(({ id, type }) => [id, type])).toEqual([
      [1, 'full_patients'],
      [2, 'full_patients'],
      [3, 'full_patients'],
      [5, 'changed_patients'],
    ]);
    expect(await matchedBy({ action: 'cancel', filter: { organizations: [6] } })).toEqual([1, 0, 1]);
    expect(await matchedBy({ action: 'start', filter: { organizations: [999] } })).toEqual([0, 0, 0]);
    expect(await sql`select from bulk_operations where completed_at is null`).toHaveLength(0);
    const metrics = await (
      await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.admin}` } })
    ).text();
    expect(metrics).toContain('patient_sync_operation_organizations_total{action="pause",outcome="done"} 2');
  });

  test('are read by their account, repeated by key without a second one, and cancelled', async ({
    databaseUrl,
  }) => {
    // The only slot is taken, so that the runs of the operation stay queued.
    const server = await startGuardedServer(databaseUrl, { config: { syncConcurrency: 1 }, patients: 500 });
    server.cliniko.faults.onPage(1, { kind: 'hang' });
    const { sql } = server.database;
    await insertClinics(sql, 50);
    const token = await server.token({ scope: 'sync', organizations: [1, 2, 101] });
    const other = await server.token({ scope: 'sync', organizations: [1, 2, 101] });
    const request: OperationRequest = { action: 'start', filter: { organizations: [1, 2] } };

    const first = await create(server, request, token, 'k');
    const { operation_id } = CreatedOperation.parse(await first.clone().json());
    expect(await (await create(server, request, token, 'k')).json()).toEqual({ operation_id, matched: 2 });
    // The server died before it stored its answer.
    await sql`delete from idempotency_keys`;
    expect(await (await create(server, request, token, 'k')).json()).toEqual({ operation_id, matched: 2 });
    expect(await sql`select from bulk_operations`).toHaveLength(1);
    // A key is of one account, and for a day.
    const ofOther = await create(server, request, other, 'k');
    await untilEnded(server, ofOther.clone());
    expect(CreatedOperation.parse(await ofOther.json()).operation_id).not.toBe(operation_id);
    // An operation that still has an organization to act on would wait for the lock below.
    await untilEnded(server, first);
    const path = `/operations/${operation_id}`;
    const statuses = await Promise.all([token, other, server.admin].map((one) => server.as(one, path)));
    expect(statuses.map(({ status }) => status)).toEqual([200, 404, 200]);
    expect(await (await server.as(other, `${path}/cancel`, { method: 'POST' })).json()).toMatchObject({
      code: 'OPERATION_NOT_FOUND',
    });

    // The operation is cancelled while it waits for the first organization, and acts on no further one.
    const [created, cancelling] = await sql.begin(async (tx) => {
      await tx`select from organizations where id = 1 for update`;
      const { operation_id: id } = CreatedOperation.parse(
        await (await create(server, { action: 'pause', filter: { all: true } })).json(),
      );
      await untilBlocked(sql, 'paused_at::text');
      const cancelled = server.as(server.admin, `/operations/${id}/cancel`, { method: 'POST' });
      await untilBlocked(sql, 'update bulk_operations set status');
      return [id, cancelled] as const;
    });
    const cancelled = await cancelling;
    const operation = BulkOperation.parse(await cancelled.json());
    expect([cancelled.status, operation]).toMatchObject([202, { status: 'cancelled', matched: 52 }]);
    expect((await auditOf(sql)).at(-1)).toMatchObject({ action: 'operation.cancel' });
    expect(operation.done).toBeLessThan(operation.matched);
    const { logger } = (await openEngine(databaseUrl)).deps(scriptedSource(people(0)));
    await workOnOperations({
      database: server.database,
      logger,
      bus: createMemoryBus(),
      onApplied: () => {},
    });
    expect(await sql`select from organizations where paused_at is not null`).toHaveLength(operation.done);
    const id = created;
    // Who may not pause may not end a pause either.
    const syncs = await server.token({ scope: 'sync', organizations: '*' });
    const refused = await server.as(syncs, `/operations/${id}/cancel`, { method: 'POST' });
    expect([refused.status, await refused.json()]).toMatchObject([403, { code: 'FORBIDDEN' }]);
    const again = await server.as(server.admin, `/operations/${id}/cancel`, { method: 'POST' });
    expect([again.status, await again.json()]).toMatchObject([409, { code: 'ALREADY_ENDED' }]);
    await sql`update bulk_operations set created_at = now() - interval '25 hours'`;
    await sql`delete from idempotency_keys`;
    const later = CreatedOperation.parse(await (await create(server, request, token, 'k')).json());
    expect(later.operation_id).toBeGreaterThan(id);
  });
});
