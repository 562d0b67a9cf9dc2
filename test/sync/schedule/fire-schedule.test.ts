/** One firing: the run that it starts, and the firings that it leaves. */
import { describe, expect, vi } from 'vitest';
import { startDueSyncs } from '../../../src/sync/schedule/scheduler.ts';
import { PassedOver } from '../../../src/timing/passed-over.ts';
import { test } from '../../support/database.ts';
import { openSchedules } from '../support/due-schedules.ts';

const SCHEDULES = [
  { cron: '0 */4 * * *', time_zone: 'Australia/Sydney', mode: 'changed' },
  { cron: '0 2 * * *', time_zone: 'Australia/Sydney' },
  { cron: '7 2 * * *', time_zone: 'Australia/Sydney' },
];

describe('a firing', () => {
  test('starts a run although rows were loaded with the next ids of the sequence', async ({
    databaseUrl,
  }) => {
    const { sql, deps } = await openSchedules(databaseUrl, 1);
    await sql`insert into sync_logs (id, organization_id, operation_type, status, started_at)
      select n, 9, 'loaded', 'completed', now() from generate_series(1, 3) as n`;
    const warn = vi.spyOn(deps.logger, 'warn');
    expect(await startDueSyncs(deps)).toBe(1);
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('were loaded with their ids'));
  });

  test('stays due while the database lacks resources, and no other one is tried', async ({ databaseUrl }) => {
    const { sql, deps } = await openSchedules(databaseUrl, 2);
    await sql`create function refuse() returns trigger language plpgsql as
      $$ begin raise exception using errcode = '53100'; end $$`;
    await sql`create trigger refuse before insert on sync_logs for each row execute function refuse()`;
    const failed = new PassedOver();
    await expect(startDueSyncs({ ...deps, failed })).rejects.toMatchObject({ code: '53100' });
    await sql`drop trigger refuse on sync_logs`;
    expect(await startDueSyncs({ ...deps, failed })).toBe(2);
  });

  test('waits for no organization that another program holds, and only briefly for a table', async ({
    databaseUrl,
  }) => {
    const { sql, deps } = await openSchedules(databaseUrl, 2);
    const warn = vi.spyOn(deps.logger, 'warn');
    const failed = new PassedOver();
    await sql.begin(async (tx) => {
      await tx`select from organizations where id = 1001 for update`;
      expect(await startDueSyncs({ ...deps, failed })).toBe(1);
    });
    expect(warn).not.toHaveBeenCalled();
    await sql.begin(async (tx) => {
      await tx`lock table sync_logs in share mode`;
      expect(await startDueSyncs({ ...deps, failed })).toBe(0);
    });
    expect(warn.mock.lastCall?.[1]).toContain('another program holds it in an open transaction');
  });

  test('leaves the other firings alone, unless they are less than a minute away', async ({ databaseUrl }) => {
    const { sql, deps } = await openSchedules(databaseUrl, 1);
    const at = (time: string) => ({ ...deps, now: () => new Date(time) });
    const one = (time: string) => ({ planned: time, due: time });
    const store = async (firings: object[]) => {
      await sql`update organizations set schedule = ${JSON.stringify(SCHEDULES)}::text::jsonb,
        firings = ${JSON.stringify(firings)}::text::jsonb, next_sync_at = '2026-11-22T13:00:00Z' where id = 1001`;
    };
    const others = async () =>
      (
        await sql<{ due: string[] }[]>`select array[firings -> 1 ->> 'due', firings -> 2 ->> 'due'] as due
        from organizations where id = 1001`
      )[0]?.due;
    const times = ['2026-11-22T13:00:00.000Z', '2026-11-22T13:00:30.000Z', '2026-11-22T15:07:00.000Z'];
    await store(times.map(one));
    expect(await startDueSyncs(at('2026-11-22T13:00:01Z'))).toBe(1);
    expect(await others()).toEqual(['2026-11-22T13:01:01.000Z', '2026-11-22T15:07:00.000Z']);
    // The changed sync is running, so a full one waits.
    await store([
      one('2026-11-22T17:00:00.000Z'),
      one('2026-11-22T14:00:00.000Z'),
      one('2026-11-22T15:07:00.000Z'),
    ]);
    expect(await startDueSyncs(at('2026-11-22T14:00:01Z'))).toBe(0);
    expect(await others()).toEqual(['2026-11-22T14:00:11.000Z', '2026-11-22T15:07:00.000Z']);
  });
});
