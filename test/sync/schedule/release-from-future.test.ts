import { describe, expect } from 'vitest';
import { readFreshness } from '../../../src/organizations/overdue.ts';
import { releaseFromFuture } from '../../../src/sync/schedule/release-from-future.ts';
import { startDueSyncs } from '../../../src/sync/schedule/scheduler.ts';
import { test } from '../../support/database.ts';
import { putJson, startTestServer } from '../../support/server.ts';
import { openSchedules } from '../support/due-schedules.ts';

describe('a clock that was ahead and is set back', () => {
  const YEAR_MS = 365 * 86_400_000;

  test('does not keep a schedule silent: it is planned again', async ({ databaseUrl }) => {
    const { sql, deps } = await openSchedules(databaseUrl, 2);
    const zone = { time_zone: 'Australia/Sydney' };
    const schedules = JSON.stringify([
      { cron: '0 * * * *', mode: 'changed', ...zone },
      { cron: '0 2 * * *', ...zone },
    ]);
    await sql`update organizations set schedule = ${schedules}::text::jsonb where id = 1001`;
    const ahead = new Date(Date.now() + YEAR_MS);
    expect(await startDueSyncs({ ...deps, now: () => ahead })).toBe(2);
    await sql`update sync_runs set ended_at = now()`;
    await sql`update sync_logs set status = 'completed', completed_at = ${ahead.toISOString()}::timestamptz at time zone 'utc'`;
    await sql`update organizations set retry_at = ${ahead.toISOString()}::timestamptz where id = 1002`;
    // It is not known when these syncs succeeded, so they do not count as fresh.
    await sql`update organizations set scheduled_since = now() - interval '3 days'`;
    expect(await readFreshness(sql)).toMatchObject({ overdue: 2 });

    expect(await releaseFromFuture(deps.database)).toEqual([1001, 1002]);
    expect(await releaseFromFuture(deps.database)).toEqual([]);
    const rows =
      await sql`select id, next_sync_at < now() + interval '26 hours' as is_soon, retry_at <= now() as retries
      from organizations where id > 1000 order by id`;
    expect(rows).toEqual([
      { id: 1001, is_soon: true, retries: null },
      { id: 1002, is_soon: true, retries: true },
    ]);
  });

  test('changes no firing that a schedule plans, and none that another program moved', async ({
    databaseUrl,
  }) => {
    const { sql, deps } = await openSchedules(databaseUrl, 3);
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const plan = (id: number, cron: string) =>
      putJson(server.api, `/organizations/${id}`, { schedule: { cron, time_zone: 'Australia/Sydney' } });
    await plan(1001, '0 2 29 2 *');
    await plan(1002, '0 2 1-14 * *');
    await plan(1003, '0 2 * * *');
    // A version that searched eight days stored this.
    await sql`update organizations set longest_interval_s = 86400 where id = 1002`;
    await sql`update organizations set next_sync_at = now() + interval '40 days' where id = 1003`;
    const planned = () => sql`select id, next_sync_at from organizations where id <> 1002 order by id`;
    const before = await planned();
    expect(await releaseFromFuture(deps.database)).toEqual([]);
    expect(await planned()).toEqual(before);
  });
});
