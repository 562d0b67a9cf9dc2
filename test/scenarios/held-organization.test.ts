/**
 * Another program holds one clinic in a transaction that stays open: an old system that commits at its end, a forgotten psql.
 * Work that goes through many clinics leaves that one for later, and continues with the others.
 */
import type { Sql } from 'postgres';
import { describe, expect, vi } from 'vitest';
import { purgeMissing } from '../../src/erasure/purge.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { createOperation } from '../../src/operations/create-operation.ts';
import { workOnOperations } from '../../src/operations/work-on-operations.ts';
import { claimNextRun } from '../../src/sync/lease.ts';
import { updateQueuePositions } from '../../src/sync/queue-positions.ts';
import { startDueAttempts, startDueSyncs } from '../../src/sync/schedule/scheduler.ts';
import { endInterruptedRuns } from '../../src/sync/stale-foreign-runs.ts';
import { startRun } from '../../src/sync/start-run.ts';
import { PassedOver } from '../../src/timing/pass-over.ts';
import { connectInTest, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';

const [HELD, SECOND, THIRD] = [1, 2, 3];
const CLINICS = [HELD, SECOND, THIRD];

async function openClinics(databaseUrl: string) {
  const engine = await openEngine(databaseUrl);
  const { sql } = engine;
  await sql`insert into organizations (id, country, time_zone, validation, schedule, firings)
    select id, 'AU', 'Australia/Sydney', '{"phone": "warn", "email": "optional"}',
      '{"cron": "0 2 * * *", "time_zone": "Australia/Sydney"}', null
    from unnest(${CLINICS}::int[]) as id`;
  const { database, logger } = engine.deps(scriptedSource(people(0)));
  return { sql, deps: { database, logger, bus: createMemoryBus() } };
}

type Statement = (sql: Sql) => Promise<unknown>;

/** Its next run is being written. */
const startsRun: Statement = (sql) => sql`
  insert into sync_logs (organization_id, operation_type, status, started_at)
  values (${HELD}, 'legacy', 'running', now() at time zone 'utc')`;

/** One of its earlier runs is being corrected. */
const correctsRun: Statement = (sql) => sql`
  update sync_logs set records_processed = 1 where organization_id = ${HELD} and status = 'completed'`;

/** @returns ends the transaction */
async function hold(databaseUrl: string, write: Statement): Promise<() => Promise<unknown>> {
  const sql = connectInTest(databaseUrl);
  await sql`begin`;
  await write(sql);
  return () => sql`rollback`;
}

const started = async (sql: Sql) => {
  const rows = await sql<{ id: number }[]>`
    select organization_id as id from sync_logs where operation_type <> 'legacy' order by organization_id`;
  return rows.map(({ id }) => id);
};

const completedRuns = (sql: Sql) => sql`
  insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
  select id, 'legacy', 'completed', '2026-01-01', '2026-01-01' from unnest(${CLINICS}::int[]) as id`;

describe('with one clinic held by another program', () => {
  test('due schedules start the others, and that one once it is free', async ({ databaseUrl }) => {
    const { sql, deps } = await openClinics(databaseUrl);
    await sql`update organizations set next_sync_at = now() - make_interval(secs => 10 - id)`;
    const release = await hold(databaseUrl, startsRun);
    const failed = new PassedOver();
    expect(await startDueSyncs({ ...deps, failed })).toBe(2);
    expect(await started(sql)).toEqual([SECOND, THIRD]);
    await release();
    expect(await startDueSyncs({ ...deps, failed })).toBe(0);
    expect(await startDueSyncs(deps)).toBe(1);
  });

  test('second attempts start for the others', async ({ databaseUrl }) => {
    const { sql, deps } = await openClinics(databaseUrl);
    await sql`update organizations set retry_at = now() - make_interval(secs => 10 - id), retry_of = 7,
      retry_type = 'full_patients', retry_attempt = 1`;
    const release = await hold(databaseUrl, startsRun);
    expect(await startDueAttempts(deps)).toBe(2);
    expect(await started(sql)).toEqual([SECOND, THIRD]);
    await release();
    expect(await startDueAttempts(deps)).toBe(1);
  });

  test('bulk operations continue with the others, of each operation', async ({ databaseUrl }) => {
    const { sql, deps } = await openClinics(databaseUrl);
    const caller = {
      actor: 'test',
      requestId: 'r',
      organizations: '*' as const,
      trigger: { kind: 'person' as const },
      idempotencyKey: undefined,
    };
    for (const organizations of [[HELD, SECOND], [THIRD]])
      await createOperation(sql, { action: 'start', filter: { organizations } }, caller);
    const release = await hold(databaseUrl, startsRun);
    const work = { ...deps, onApplied: vi.fn() };
    const locked = new PassedOver();
    await workOnOperations(work, { locked, isStopped: () => false });
    expect(await started(sql)).toEqual([SECOND, THIRD]);
    const statuses = () => sql`select status from bulk_operations order by id`;
    expect(await statuses()).toMatchObject([{ status: 'running' }, { status: 'completed' }]);
    expect(locked.ids()).toEqual([HELD]);
    await release();
    await workOnOperations(work);
    expect(await started(sql)).toEqual(CLINICS);
    expect(await statuses()).toMatchObject([{ status: 'completed' }, { status: 'completed' }]);
    expect(work.onApplied.mock.calls).toEqual([
      ['start', 'done'],
      ['start', 'done'],
      ['start', 'done'],
    ]);
  });

  test('the places of the others move up at once', async ({ databaseUrl }) => {
    const { sql, deps } = await openClinics(databaseUrl);
    await completedRuns(sql);
    for (const id of CLINICS) await startRun(deps.database, id, 'full_patients');
    await sql`update sync_logs set metadata = metadata || '{"queue_position": 9}' where status = 'running'`;
    const release = await hold(databaseUrl, correctsRun);
    expect((await updateQueuePositions(deps.database)).sort()).toEqual([SECOND, THIRD]);
    // A server that takes their runs waits for nothing either.
    expect(await claimNextRun(deps.database, 'another server')).toBeDefined();
    await release();
    expect(await updateQueuePositions(deps.database)).toContain(SECOND);
  });

  test('interrupted runs of the others end', async ({ databaseUrl }) => {
    const { sql, deps } = await openClinics(databaseUrl);
    await completedRuns(sql);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      select id, 'legacy', 'running', '2026-01-01' from unnest(${CLINICS}::int[]) as id`;
    await sql`update sync_events set at = now() - interval '16 minutes'`;
    const release = await hold(databaseUrl, correctsRun);
    expect(await endInterruptedRuns(deps.database)).toBe(2);
    await release();
    expect(await endInterruptedRuns(deps.database)).toBe(1);
  });

  test('the purge erases the missing patients of the others', async ({ databaseUrl }) => {
    const { sql, deps } = await openClinics(databaseUrl);
    await sql`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings, missing_since)
      select id, '7', '{}', '', 0, now() - interval '40 days' from unnest(${CLINICS}::int[]) as id`;
    // An erasure waits for a lock five times for three seconds. Here it is refused at once.
    await sql`create function refuse() returns trigger language plpgsql as
      $$ begin if old.organization_id = 1 then raise lock_not_available; end if; return old; end $$`;
    await sql`create trigger refuse before delete on patients for each row execute function refuse()`;
    const failed: number[] = [];
    expect(await purgeMissing(deps.database, 30, (id) => failed.push(id))).toBe(2);
    expect(failed).toEqual([HELD]);
    await sql`drop trigger refuse on patients`;
    expect(await purgeMissing(deps.database, 30)).toBe(1);
  });
});
