import { describe, expect } from 'vitest';
import {
  endInterruptedRuns,
  type FutureChanges,
  forceEndForeignRun,
} from '../../src/sync/stale-foreign-runs.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';

describe('a running row of another program', () => {
  test('ends when it has not changed for 15 minutes, and not before', async ({ databaseUrl }) => {
    const { database, sql } = await openEngine(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at, metadata)
      values (7, 'x', 'running', '2020-01-01', '[1]')`;
    expect(await endInterruptedRuns(database)).toBe(0);

    await sql`update sync_events set at = now() - interval '14 minutes'`;
    expect(await endInterruptedRuns(database)).toBe(0);

    await sql`update sync_events set at = now() - interval '16 minutes'`;
    // The snapshot after the end of another row is no change of this one.
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (7, 'y', 'completed', '2019-01-01')`;
    await sql`delete from sync_logs where operation_type = 'y'`;
    expect(await endInterruptedRuns(database)).toBe(1);
    const [row] = await sql`select status, completed_at, error_details, metadata from sync_logs`;
    expect(row).toMatchObject({
      status: 'failed',
      completed_at: expect.any(String),
      metadata: { error_type: 'SYNC_INTERRUPTED', retry_recommended: true },
    });
  });

  test('whose last change lies in the future counts from when it was first seen', async ({ databaseUrl }) => {
    const { database, sql } = await openEngine(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (7, 'x', 'running', '2020-01-01'), (8, 'x', 'running', now() at time zone 'utc' + interval '5 hours'),
        (9, 'x', 'running', now() at time zone 'utc' + interval '3 days')`;
    // The clock was ahead and is set back: the event log of organization 7, the start of organization 8.
    await sql`update sync_events set at = now() + interval '1 hour'`;
    await sql`delete from sync_events where organization_id in (8, 9)`;
    const future: FutureChanges = new Map();
    const MINUTE_MS = 60_000;
    const endAfter = (minutes: number) => endInterruptedRuns(database, future, minutes * MINUTE_MS);
    // No clock was so far ahead: the start of organization 9 says nothing.
    expect(await endAfter(0)).toBe(1);
    expect(await endAfter(14)).toBe(0);
    await sql`update sync_events set at = at + interval '1 second'`;
    expect(await endAfter(16)).toBe(1);
    expect(await endAfter(30)).toBe(0);
    expect(await endAfter(31)).toBe(1);
    expect(await endAfter(32)).toBe(0);
    expect(future.size).toBe(0);
    expect(
      await sql`select from sync_logs where status <> 'failed' or completed_at < started_at`,
    ).toHaveLength(0);
  });

  test('is judged by its newest change, also after changes while the clock was ahead', async ({
    databaseUrl,
  }) => {
    const { database, sql } = await openEngine(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (7, 'x', 'running', '2020-01-01')`;
    await sql`update sync_events set at = now() + interval '1 hour'`;
    await sql`update sync_logs set records_processed = 9`;
    await sql`update sync_events set at = now() - interval '16 minutes' where type = 'progress'`;
    expect(await endInterruptedRuns(database)).toBe(1);
  });

  test('that is being written at that moment is skipped', async ({ databaseUrl }) => {
    const { database, sql } = await openEngine(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (7, 'x', 'running', '2020-01-01')`;
    await sql`update sync_events set at = now() - interval '16 minutes'`;
    await sql.begin(async (externalWriter) => {
      await externalWriter`update sync_logs set records_processed = 9`;
      expect(await endInterruptedRuns(database)).toBe(0);
    });
    expect(await endInterruptedRuns(database)).toBe(0);
    expect(await sql`select status from sync_logs`).toEqual([{ status: 'running' }]);
  });

  test('that is older than the event log is judged by its start', async ({ databaseUrl }) => {
    const { database, sql } = await openEngine(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (7, 'x', 'running', '2020-01-01'), (8, 'x', 'running', now() at time zone 'utc')`;
    await sql`delete from sync_events`;

    expect(await endInterruptedRuns(database)).toBe(1);
  });
});

describe('a run of ours', () => {
  test('is never ended because of its age: its lease decides', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const id = await engine.start();
    await engine.sql`update sync_events set at = now() - interval '2 days'`;

    expect(await endInterruptedRuns(engine.database)).toBe(0);
    expect(await forceEndForeignRun(engine.database, id)).toBe(false);
  });
});
