import type { Sql } from 'postgres';
import { describe, expect } from 'vitest';
import { readFreshness } from '../../../src/organizations/overdue.ts';
import { releaseFromFuture } from '../../../src/sync/schedule/release-from-future.ts';
import { startDueSyncs } from '../../../src/sync/schedule/scheduler.ts';
import { test } from '../../support/database.ts';
import { putJson, startTestServer } from '../../support/server.ts';
import { openSchedules } from '../support/due-schedules.ts';

describe('a clock that was ahead and is set back', () => {
  const TWO_YEARS_MS = 2 * 365 * 86_400_000;

  test('does not keep a schedule silent: it is planned again', async ({ databaseUrl }) => {
    const { sql, deps } = await openSchedules(databaseUrl, 2);
    const zone = { time_zone: 'Australia/Sydney' };
    const schedules = JSON.stringify([
      { cron: '0 * * * *', mode: 'changed', ...zone },
      { cron: '0 2 * * *', ...zone },
    ]);
    await sql`update organizations set schedule = ${schedules}::text::jsonb where id = 1001`;
    const ahead = new Date(Date.now() + TWO_YEARS_MS);
    expect(await startDueSyncs({ ...deps, now: () => ahead })).toBe(2);
    await sql`update sync_runs set ended_at = now()`;
    await sql`update sync_logs set status = 'completed', completed_at = ${ahead.toISOString()}::timestamptz at time zone 'utc'`;
    await sql`update organizations set retry_at = ${ahead.toISOString()}::timestamptz, longest_interval_s = null
      where id = 1002`;
    // It is not known when these syncs succeeded, so they do not count as fresh.
    await sql`update organizations set scheduled_since = now() - interval '3 days'`;
    expect(await readFreshness(sql)).toMatchObject({ overdue: 2 });

    // Many that another program moved come before them.
    await sql`insert into organizations (id, country, time_zone, validation, next_sync_at)
      select n, 'AU', 'UTC', '{"phone": "warn", "email": "optional"}', '2999-01-01' from generate_series(201, 700) as n`;
    // Another server plans them between the two statements of this one.
    const released: number[][] = [];
    const between = Object.assign((text: TemplateStringsArray, ...values: never[]) => {
      const statement = deps.database.sql(text, ...values);
      if (!text[0]?.includes('update organizations set longest_interval_s')) return statement;
      return releaseFromFuture(deps.database).then(async (ids) => {
        released.push(ids);
        return await statement;
      });
    }, deps.database.sql);
    expect(await releaseFromFuture({ ...deps.database, sql: between as Sql })).toEqual([]);
    expect(released.flat()).toEqual([1001, 1002]);
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
    const { sql, deps } = await openSchedules(databaseUrl, 5);
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const plan = (id: number, cron: string) =>
      putJson(server.api, `/organizations/${id}`, { schedule: { cron, time_zone: 'UTC' } });
    await plan(1001, '0 2 29 2 *');
    // Half a day away, and stored with an interval that is too short, as a version that searched eight days may have done.
    await plan(1002, `0 ${(new Date().getUTCHours() + 12) % 24} * * *`);
    await plan(1003, '0 2 * * *');
    await sql`update organizations set longest_interval_s = 3600 where id = 1002`;
    await sql`update organizations set next_sync_at = now() + interval '40 days' where id = 1003`;
    await sql`update organizations set next_sync_at = 'infinity' where id = 1005`;
    // As late as a random delay makes it.
    await sql`update organizations set longest_interval_s = 86400, next_sync_at = late.at,
        firings = jsonb_build_array(jsonb_build_object('planned', late.at, 'due', late.at))
      from (select date_trunc('milliseconds', now() + interval '24 hours 10 minutes') as at) as late where id = 1004`;
    const planned = () => sql`select id, next_sync_at from organizations where id <> 1002 order by id`;
    const before = await planned();
    expect(await releaseFromFuture(deps.database)).toEqual([]);
    expect(await planned()).toEqual(before);
    // The scheduler of the server may be correcting it at this moment.
    await expect
      .poll(() => sql`select longest_interval_s from organizations where id = 1002`)
      .toEqual([{ longest_interval_s: 86_400 }]);
  });
});
