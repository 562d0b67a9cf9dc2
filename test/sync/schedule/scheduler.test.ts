import { Writable } from 'node:stream';
import type { Sql } from 'postgres';
import { describe, expect, vi } from 'vitest';
import { createLogger } from '../../../src/logging/logger.ts';
import { saveOrganization } from '../../../src/organizations/organizations.ts';
import { readFreshness } from '../../../src/organizations/overdue.ts';
import { setPause } from '../../../src/organizations/pause.ts';
import { planDisabled } from '../../../src/sync/schedule/plan-disabled.ts';
import { type SchedulerDeps, startDueSyncs } from '../../../src/sync/schedule/scheduler.ts';
import { startRun } from '../../../src/sync/start-run.ts';
import { PassedOver } from '../../../src/timing/passed-over.ts';
import { connectInTest, test } from '../../support/database.ts';
import { putJson, startTestServer } from '../../support/server.ts';
import { openSchedules } from '../support/due-schedules.ts';

describe('clinics whose schedule is due', () => {
  test('start once each, however many servers poll, and missed firings count as one', async ({
    databaseUrl,
  }) => {
    const { sql, deps, runs } = await openSchedules(databaseUrl, 30);
    const nudged: number[] = [];
    deps.bus.subscribe(({ organizations, work }) => {
      if (work) nudged.push(...organizations);
    });
    const started = await Promise.all(Array.from({ length: 6 }, () => startDueSyncs(deps)));

    expect(started.reduce((sum, count) => sum + count, 0)).toBe(30);
    expect((await runs()).map((row) => row.count)).toEqual(Array(30).fill(1));
    expect(nudged.toSorted()).toEqual(Array.from({ length: 30 }, (_, n) => 1001 + n));
    const [ahead] =
      await sql`select min(next_sync_at) > now() as all_ahead, count(distinct next_sync_at)::int as times
      from organizations where schedule is not null`;
    expect(ahead).toMatchObject({ all_ahead: true });
    expect(ahead?.times).toBeGreaterThan(20);
    // No server ran when they were due: they are overdue until a sync succeeds.
    expect(await readFreshness(sql)).toMatchObject({ overdue: 30 });
    await sql`update sync_logs set status = 'completed', completed_at = now() at time zone 'utc' where organization_id > 1010`;
    expect(await readFreshness(sql)).toMatchObject({ overdue: 10 });
    // What another schedule missed does not count for a new one.
    const schedule = { cron: '0 3 * * *', time_zone: 'Asia/Tokyo' };
    await saveOrganization(deps.database, 1001, { schedule });
    expect(await readFreshness(sql)).toMatchObject({ overdue: 9 });
  });

  test('get no second run while one is running', async ({ databaseUrl }) => {
    const { sql, deps, runs } = await openSchedules(databaseUrl, 1);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (1001, 'by_another_program', 'running', now())`;

    expect(await startDueSyncs(deps)).toBe(0);
    expect(await runs()).toEqual([{ organization_id: 1001, count: 1 }]);
    expect(await startDueSyncs(deps)).toBe(0);
  });
});

describe('a pause of everything', () => {
  test('lets schedules rest, and what would have fired is not made up for', async ({ databaseUrl }) => {
    const { sql, deps, runs } = await openSchedules(databaseUrl, 2);
    const by = { actor: 'anyone' };
    await setPause(sql, { paused: true }, by);
    expect(await startDueSyncs(deps)).toBe(0);
    await setPause(sql, { paused: false }, by);
    expect(await startDueSyncs(deps)).toBe(0);
    expect(await runs()).toEqual([]);
    const [row] = await sql`select min(next_sync_at) > now() as is_ahead from organizations`;
    expect(row).toEqual({ is_ahead: true });
    await sql`update organizations set next_sync_at = now() where id = 1001`;
    expect(await startDueSyncs(deps)).toBe(1);
  });
});

test('a schedule that another server could not read and has disabled is planned again', async ({
  databaseUrl,
}) => {
  const { sql, deps } = await openSchedules(databaseUrl, 3);
  const schedules = [{ cron: '0 2 * * *', time_zone: 'Australia/Sydney', mode: 'changed' }];
  await sql`update organizations set schedule = ${JSON.stringify(schedules)}::text::jsonb, next_sync_at = null where id = 1001`;
  await sql`update organizations set schedule = '{"cron": 5}', next_sync_at = null where id = 1002`;
  await sql`update organizations set next_sync_at = null, paused_at = now() where id = 1003`;
  expect(await planDisabled(deps.database)).toEqual([1001]);
  expect(await planDisabled(deps.database)).toEqual([]);
  const [row] = await sql`select next_sync_at between now() and now() + interval '26 hours' as is_soon,
    jsonb_array_length(firings) as firings from organizations where id = 1001`;
  expect(row).toEqual({ is_soon: true, firings: 1 });
});

describe('one clinic of many', () => {
  const ODD_SCHEDULES = [
    '{"cron": "0 2 * * *", "time_zone": "Mars/Base"}',
    '{"cron": "every night", "time_zone": "Australia/Sydney"}',
    '{"cron": 5}',
    '[]',
    '"0 2 * * *"',
    'null',
  ];

  test('whose schedule is unreadable is disabled and logged; the others start', async ({ databaseUrl }) => {
    const { sql, deps, runs } = await openSchedules(databaseUrl, 10);
    for (const [index, schedule] of ODD_SCHEDULES.entries()) {
      await sql`update organizations set schedule = ${schedule}::text::jsonb, next_sync_at = '-infinity'
        where id = ${1001 + index}`;
    }
    const lines: string[] = [];
    const output = new Writable({ write: (line, _encoding, done) => done(void lines.push(String(line))) });
    const logger = createLogger({ level: 'error', format: 'pretty', colour: false }, output);
    expect(await startDueSyncs({ ...deps, logger })).toBe(4);
    expect((await runs()).map((row) => row.organization_id).sort()).toEqual([1007, 1008, 1009, 1010]);
    expect(lines.filter((line) => line.includes('is disabled'))).toHaveLength(ODD_SCHEDULES.length);
    expect(lines.join('')).toContain('The schedule of organization 1001 is disabled');
    expect(await startDueSyncs({ ...deps, logger })).toBe(0);
    expect(lines).toHaveLength(ODD_SCHEDULES.length);

    const server = await startTestServer(databaseUrl, { organizations: [] });
    expect(await (await server.api('/organizations/1001')).json()).toMatchObject({
      schedule: null,
      next_sync_at: null,
      schedule_error: 'This server does not know the time zone of the stored schedule.',
    });
    await putJson(server.api, '/organizations/1001', {
      schedule: { cron: '0 3 * * *', time_zone: 'Australia/Sydney' },
    });
    expect(await (await server.api('/organizations/1001')).json()).toMatchObject({
      schedule: { cron: '0 3 * * *' },
      next_sync_at: expect.any(String),
      schedule_error: null,
    });
  });

  test('whose run cannot be stored is logged and retried later; the others start', async ({
    databaseUrl,
  }) => {
    const { sql, deps, runs } = await openSchedules(databaseUrl, 3);
    await sql`create function refuse() returns trigger language plpgsql as
      $$ begin if new.organization_id = 1001 then raise unique_violation; end if; return new; end $$`;
    await sql`create trigger refuse before insert on sync_logs for each row execute function refuse()`;
    await sql`update organizations set next_sync_at = '-infinity' where id = 1001`;
    const lines: string[] = [];
    const output = new Writable({ write: (line, _encoding, done) => done(void lines.push(String(line))) });
    const logger = createLogger({ level: 'error', format: 'pretty', colour: false }, output);
    const failed = new PassedOver();
    expect(await startDueSyncs({ ...deps, logger, failed })).toBe(2);
    expect(lines.join('')).toContain(
      'The scheduled sync of organization 1001 could not be started; it is tried again in 60 s',
    );
    expect(await startDueSyncs({ ...deps, logger, failed })).toBe(0);
    expect(lines).toHaveLength(1);

    await sql`drop trigger refuse on sync_logs`;
    expect(await startDueSyncs({ ...deps, logger })).toBe(1);
    expect(await runs()).toHaveLength(3);
  });
});

/** Ends each run as soon as it starts, so that the next firing finds none. */
async function walk(sql: Sql, deps: SchedulerDeps, from: string, hours: number) {
  const start = Date.parse(from);
  for (let now = start; now < start + hours * 3_600_000; now += 60_000) {
    const started = await startDueSyncs({ ...deps, now: () => new Date(now) });
    if (started === 0) continue;
    await sql`update sync_runs set ended_at = now() where ended_at is null`;
    await sql`update sync_logs set status = 'completed', completed_at = started_at where status = 'running'`;
  }
}

const runTypes = async (sql: Sql) =>
  await sql<{ type: string; count: number; crons: string[] }[]>`
    select operation_type as type, count(*)::int as count,
      array_agg(distinct metadata -> 'trigger' ->> 'schedule') as crons
    from sync_logs group by operation_type order by operation_type`;

describe('several schedules of one clinic', () => {
  const SCHEDULES = [
    { cron: '0 */4 * * *', time_zone: 'Australia/Sydney', mode: 'changed' },
    { cron: '0 2 * * *', time_zone: 'Australia/Sydney' },
  ];
  const planned = async (sql: Sql, schedule: unknown, first: string) => {
    await sql`update organizations set schedule = ${JSON.stringify(schedule)}::text::jsonb, firings = null,
      next_sync_at = ${first}::timestamptz where id = 1001`;
  };

  test.for([
    ['a usual day', '2026-11-22T12:30:00Z', 24],
    ['the day that loses an hour', '2026-10-03T13:30:00Z', 23],
    ['the day that has an hour twice', '2027-04-03T12:30:00Z', 25],
  ] as const)('start one full and six changed syncs on %s', async ([, from, hours], { databaseUrl }) => {
    const { sql, deps } = await openSchedules(databaseUrl, 1);
    // Half an hour before the clinic's midnight. The first schedule fires at once, as a changed sync; its run is not counted.
    await planned(sql, SCHEDULES, from);
    await startDueSyncs({ ...deps, now: () => new Date(from) });
    await sql`delete from sync_logs`;
    await sql`delete from sync_runs`;
    await walk(sql, deps, from, hours);

    expect(await runTypes(sql)).toEqual([
      { type: 'changed_patients', count: 6, crons: ['0 */4 * * *'] },
      { type: 'full_patients', count: 1, crons: ['0 2 * * *'] },
    ]);
  });

  test('start one run, the one that reads most, when they fire in the same minute', async ({
    databaseUrl,
  }) => {
    const { sql, deps } = await openSchedules(databaseUrl, 1);
    const zone = { time_zone: 'Asia/Tokyo' };
    const schedule = [
      { cron: '0 * * * *', ...zone, mode: 'changed' },
      { cron: '0 12 * * *', ...zone, mode: 'active' },
      { cron: '0 12 * * *', ...zone, mode: 'full' },
    ];
    await planned(sql, schedule, '2026-11-22T02:40:00Z');
    await startDueSyncs({ ...deps, now: () => new Date('2026-11-22T02:40:00Z') });
    await sql`delete from sync_logs`;
    await sql`delete from sync_runs`;
    await walk(sql, deps, '2026-11-22T02:50:00Z', 2);
    expect(await runTypes(sql)).toEqual([
      { type: 'changed_patients', count: 1, crons: ['0 * * * *'] },
      { type: 'full_patients', count: 1, crons: ['0 12 * * *'] },
    ]);
  });

  test('wait for a running sync that reads less, and take one that reads more for theirs', async ({
    databaseUrl,
  }) => {
    const { sql, deps, runs } = await openSchedules(databaseUrl, 1);
    const at = (time: string) => ({ ...deps, now: () => new Date(time) });
    await startRun(deps.database, 1001, 'changed_patients');
    await planned(sql, SCHEDULES.slice(1), '2026-11-22T15:00:00Z');
    expect(await startDueSyncs(at('2026-11-22T15:00:01Z'))).toBe(0);
    expect(await runs()).toEqual([{ organization_id: 1001, count: 1 }]);
    await sql`update sync_logs set status = 'completed'`;
    await sql`update sync_runs set ended_at = now()`;
    expect(await startDueSyncs(at('2026-11-22T15:00:12Z'))).toBe(1);

    await planned(sql, SCHEDULES.slice(0, 1), '2026-11-22T17:00:00Z');
    expect(await startDueSyncs(at('2026-11-22T17:00:01Z'))).toBe(0);
    const [row] =
      await sql`select next_sync_at > '2026-11-22T20:00:00Z' as is_next from organizations where id = 1001`;
    expect(row).toEqual({ is_next: true });
  });

  test('fire although one of them is unreadable', async ({ databaseUrl }) => {
    const { sql, deps } = await openSchedules(databaseUrl, 1);
    const lines: string[] = [];
    const output = new Writable({ write: (line, _encoding, done) => done(void lines.push(String(line))) });
    const logger = createLogger({ level: 'error', format: 'pretty', colour: false }, output);
    await planned(sql, [{ cron: 'nightly', time_zone: 'Mars/Base' }, ...SCHEDULES], '2026-11-22T13:30:00Z');
    await walk(sql, { ...deps, logger }, '2026-11-22T13:30:00Z', 24);
    expect((await runTypes(sql)).map(({ type }) => type)).toEqual(['changed_patients', 'full_patients']);
    expect(lines.join('')).toContain('The schedule of organization 1001 is disabled');
    const server = await startTestServer(databaseUrl, { organizations: [] });
    expect(await (await server.api('/organizations/1001')).json()).toMatchObject({
      schedule: SCHEDULES,
      schedule_error: 'This server does not know the time zone of the stored schedule.',
    });
  });
});

describe('a schedule', () => {
  test('is set over HTTP, starts a sync, and is removed', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    const server = await startTestServer(databaseUrl, { patients: 30 });
    const schedule = [
      { cron: '0 2 * * *', time_zone: 'Australia/Sydney' },
      { cron: '0 */4 * * *', time_zone: 'Australia/Sydney', mode: 'changed' },
    ];
    await putJson(server.api, '/organizations/123', { schedule });
    expect(await (await server.api('/organizations/123')).json()).toMatchObject({ schedule });
    await sql`update organizations set next_sync_at = clock_timestamp() where id = 123`;
    await vi.waitFor(
      async () => {
        const { logs } = await (await server.api('/cliniko/sync-logs/123')).json();
        expect(logs[0]).toMatchObject({
          status: 'completed',
          metadata: { trigger: { kind: 'schedule', schedule: expect.stringMatching(/^0 [*2]/) } },
        });
      },
      { timeout: 15_000, interval: 100 },
    );
    await putJson(server.api, '/organizations/123', { schedule: null });

    expect(await (await server.api('/organizations/123')).json()).toMatchObject({
      schedule: null,
      next_sync_at: null,
    });
  });

  test('that is invalid is rejected, with the name of the field', async ({ databaseUrl }) => {
    const { api } = await startTestServer(databaseUrl);
    const put = async (cron: string, time_zone = 'Australia/Sydney') => {
      const body = JSON.stringify({ schedule: { cron, time_zone } });
      const refused = await api('/organizations/123', { method: 'PUT', body });
      return { status: refused.status, ...(await refused.json()) };
    };
    for (const cron of [
      '* * * * * *',
      'nightly',
      '2030-01-01T00:00:00',
      '0 0 30 2 *',
      '0 0 2 * * * 2030',
      '61 * * * *',
    ]) {
      expect(await put(cron)).toMatchObject({
        status: 400,
        code: 'INVALID_PARAMETER',
        field: 'schedule.cron',
      });
    }
    expect(await put('0 2 * * *', 'Mars/Olympus')).toMatchObject({
      status: 400,
      field: 'schedule.time_zone',
    });
    const list = { schedule: Array(5).fill({ cron: '0 2 * * *', time_zone: 'Asia/Tokyo' }) };
    const second = {
      schedule: [list.schedule[0], { cron: '0 2 * * *', time_zone: 'Asia/Tokyo', mode: 'all' }],
    };
    for (const [body, field] of [
      [list, 'schedule'],
      [second, 'schedule.1.mode'],
      [{ schedule: [list.schedule[0], { cron: '0 0 30 2 *', time_zone: 'Asia/Tokyo' }] }, 'schedule.1.cron'],
    ] as const) {
      const refused = await api('/organizations/123', { method: 'PUT', body: JSON.stringify(body) });
      expect([refused.status, await refused.json()]).toMatchObject([400, { field }]);
    }
  });
});
