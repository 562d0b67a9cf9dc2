/**
 * Another program holds many clinics in a transaction that stays open: an old system that commits at its end, a forgotten psql.
 * Work that goes through all clinics leaves these for later, and continues with the others.
 */
import type { Sql } from 'postgres';
import { describe, expect, vi } from 'vitest';
import { purgeMissing } from '../../src/erasure/purge.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { createOperation } from '../../src/operations/create-operation.ts';
import { workOnOperations } from '../../src/operations/work-on-operations.ts';
import { claimNextRun } from '../../src/sync/lease.ts';
import { updateQueuePositions } from '../../src/sync/queue-positions.ts';
import { releaseFromFuture } from '../../src/sync/schedule/release-from-future.ts';
import { startDueAttempts, startDueSyncs } from '../../src/sync/schedule/scheduler.ts';
import { endInterruptedRuns } from '../../src/sync/stale-foreign-runs.ts';
import { startRun } from '../../src/sync/start-run.ts';
import { connectInTest, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { rethrow } from '../support/rethrow.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';

/** They come first everywhere. A second for each, or a place in a portion, would keep the others from their turn. */
const LOCKED = Array.from({ length: 210 }, (_, n) => 1001 + n);
const OTHERS = [1901, 1902, 1903];
const CLINICS = [...LOCKED, ...OTHERS];

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

/** Their next runs are being written. */
const startsRuns: Statement = (sql) => sql`
  insert into sync_logs (organization_id, operation_type, status, started_at)
  select id, 'legacy', 'running', now() at time zone 'utc' from unnest(${LOCKED}::int[]) as id`;

/** Earlier runs are being corrected. */
const correctsRuns: Statement = (sql) => sql`
  update sync_logs set records_processed = 1
  where organization_id = any(${LOCKED}::int[]) and status = 'completed'`;

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

/** @param start what is due; returns how many runs it has started */
async function startOthersFirst(databaseUrl: string, sql: Sql, start: () => Promise<number>): Promise<void> {
  const release = await hold(databaseUrl, startsRuns);
  expect(await start()).toBe(OTHERS.length);
  expect(await started(sql)).toEqual(OTHERS);
  await release();
  expect(await start()).toBe(LOCKED.length);
}

describe('with many clinics locked by another program', () => {
  test('due schedules start the others, and those once they are free', async ({ databaseUrl }) => {
    const { sql, deps } = await openClinics(databaseUrl);
    await completedRuns(sql);
    await sql`update organizations set next_sync_at = now() - make_interval(secs => 5000 - id) where schedule is not null`;
    await startOthersFirst(databaseUrl, sql, () => startDueSyncs(deps));
  });

  test('second attempts start for the others', async ({ databaseUrl }) => {
    const { sql, deps } = await openClinics(databaseUrl);
    await completedRuns(sql);
    await sql`update organizations set retry_at = now() - make_interval(secs => 5000 - id), retry_of = 7,
      retry_type = 'full_patients', retry_attempt = 1 where schedule is not null`;
    await startOthersFirst(databaseUrl, sql, () => startDueAttempts(deps));
  });

  test('bulk operations continue with the others, of each operation', async ({ databaseUrl }) => {
    const { sql, deps } = await openClinics(databaseUrl);
    await completedRuns(sql);
    const caller = {
      actor: 'test',
      requestId: 'r',
      organizations: '*' as const,
      trigger: { kind: 'person' as const },
      idempotencyKey: undefined,
    };
    const [first = 0, second = 0, third = 0] = OTHERS;
    for (const organizations of [[...LOCKED.slice(0, 20), first, second], [third]])
      await createOperation(sql, { action: 'start', filter: { organizations } }, caller);
    const release = await hold(databaseUrl, startsRuns);
    const work = { ...deps, onApplied: vi.fn() };
    await workOnOperations(work);
    expect(await started(sql)).toEqual(OTHERS);
    const statuses = () => sql`select status from bulk_operations order by id`;
    expect(await statuses()).toMatchObject([{ status: 'running' }, { status: 'completed' }]);
    await release();
    await workOnOperations(work);
    expect(await started(sql)).toEqual([...LOCKED.slice(0, 20), ...OTHERS]);
    expect(await statuses()).toMatchObject([{ status: 'completed' }, { status: 'completed' }]);
    expect(work.onApplied).toHaveBeenCalledTimes(23);
  });

  test('the places of the others move up, and a worker claims their runs', async ({ databaseUrl }) => {
    const { sql, deps } = await openClinics(databaseUrl);
    await completedRuns(sql);
    for (const id of CLINICS) await startRun(deps.database, id, 'full_patients');
    // All of them are due: the locked ones more than one statement writes.
    await sql`update sync_logs set metadata = metadata || '{"queue_position": 9999}' where status = 'running'`;
    const release = await hold(databaseUrl, correctsRuns);
    expect((await updateQueuePositions(deps.database)).sort()).toEqual(OTHERS);
    const claimed = await claimNextRun(deps.database, 'a worker');
    expect(claimed?.lease.organizationId).toBe(OTHERS[0]);
    await release();
    expect(await updateQueuePositions(deps.database)).toContain(LOCKED[0]);
    expect((await claimNextRun(deps.database, 'another worker'))?.lease.organizationId).toBe(LOCKED[0]);
  });

  test('schedules of the others that a clock ahead has planned are planned again', async ({
    databaseUrl,
  }) => {
    const { sql, deps } = await openClinics(databaseUrl);
    const ahead = new Date(Date.now() + 365 * 86_400_000);
    await sql`update organizations set next_sync_at = ${ahead.toISOString()}::timestamptz where schedule is not null`;
    expect(await startDueSyncs({ ...deps, now: () => ahead })).toBe(CLINICS.length);
    const lock: Statement = (locker) => locker`
      select from organizations where id = any(${LOCKED}::int[]) for update`;
    const release = await hold(databaseUrl, lock);
    expect(await releaseFromFuture(deps.database)).toEqual(OTHERS);
    await release();
    expect(await releaseFromFuture(deps.database)).toEqual(LOCKED);
  });

  test('interrupted runs of the others end', async ({ databaseUrl }) => {
    const { sql, deps } = await openClinics(databaseUrl);
    await completedRuns(sql);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      select id, 'legacy', 'running', '2026-01-01' from unnest(${CLINICS}::int[]) as id`;
    await sql`update sync_events set at = now() - interval '16 minutes'`;
    const release = await hold(databaseUrl, correctsRuns);
    expect(await endInterruptedRuns(deps.database)).toBe(OTHERS.length);
    await release();
    expect(await endInterruptedRuns(deps.database)).toBe(LOCKED.length);
  });

  test('the purge erases the missing patients of the others', async ({ databaseUrl }) => {
    const { sql, deps } = await openClinics(databaseUrl);
    const absent = [1001, ...OTHERS];
    await sql`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings, missing_since)
      select id, '7', '{}', '', 0, now() - interval '40 days' from unnest(${absent}::int[]) as id`;
    // An erasure waits for a lock five times for three seconds. Here it is refused at once.
    await sql`create function refuse() returns trigger language plpgsql as
      $$ begin if old.organization_id = 1001 then raise lock_not_available; end if; return old; end $$`;
    await sql`create trigger refuse before delete on patients for each row execute function refuse()`;
    const failed: number[] = [];
    expect(await purgeMissing(deps.database, 30, (id) => failed.push(id))).toBe(OTHERS.length);
    expect(failed).toEqual([1001]);
    await sql`drop trigger refuse on patients`;
    expect(await purgeMissing(deps.database, 30, rethrow)).toBe(1);
  });
});
