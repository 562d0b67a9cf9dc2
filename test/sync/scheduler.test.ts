import { Writable } from 'node:stream';
import { describe, expect, vi } from 'vitest';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { type SchedulerDeps, startDueSyncs } from '../../src/sync/scheduler.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';
import { putJson, startTestServer } from '../support/server.ts';

async function openSchedules(databaseUrl: string, clinics: number) {
  const engine = await openEngine(databaseUrl);
  const { sql } = engine;
  await sql`insert into organizations (id, country, time_zone, validation, schedule, next_sync_at)
    select 1000 + n, 'AU', 'Australia/Sydney', '{"phone": "warn", "email": "optional"}',
      '{"cron": "0 2 * * *", "time_zone": "Australia/Sydney"}', now() - interval '3 days'
    from generate_series(1, ${clinics}) as n`;
  const { database, logger } = engine.deps(scriptedSource(people(0)));
  const deps: SchedulerDeps = { database, logger, bus: createMemoryBus() };
  const runs = async () =>
    await sql<{ organization_id: number; count: number }[]>`
    select organization_id, count(*)::int as count from sync_logs group by organization_id`;
  return { engine, sql, deps, runs };
}

describe('clinics whose schedule is due', () => {
  test('start once each, however many servers poll, and missed firings count as one', async ({
    databaseUrl,
  }) => {
    const { sql, deps, runs } = await openSchedules(databaseUrl, 30);
    const started = await Promise.all(Array.from({ length: 6 }, () => startDueSyncs(deps)));

    expect(started.reduce((sum, count) => sum + count, 0)).toBe(30);
    expect((await runs()).map((row) => row.count)).toEqual(Array(30).fill(1));
    const [ahead] =
      await sql`select min(next_sync_at) > now() as all_ahead, count(distinct next_sync_at)::int as times
      from organizations where schedule is not null`;
    expect(ahead).toMatchObject({ all_ahead: true });
    expect(ahead?.times).toBeGreaterThan(20);
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
    const failed = new Map<number, number>();
    expect(await startDueSyncs({ ...deps, logger, failed })).toBe(2);
    expect(lines.join('')).toContain('The scheduled sync of organization 1001 could not be started');
    expect(await startDueSyncs({ ...deps, logger, failed })).toBe(0);
    expect(lines).toHaveLength(1);

    await sql`drop trigger refuse on sync_logs`;
    failed.clear();
    expect(await startDueSyncs({ ...deps, logger, failed })).toBe(1);
    expect(await runs()).toHaveLength(3);
  });
});

describe('a schedule', () => {
  test('is set over HTTP, starts a sync, and is removed', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 30 });
    await putJson(server.api, '/organizations/123', {
      schedule: { cron: '* * * * * *', time_zone: 'Australia/Sydney' },
    });
    await vi.waitFor(
      async () => {
        const { logs } = await (await server.api('/cliniko/sync-logs/123')).json();
        expect(logs[0]).toMatchObject({ operation_type: 'full_patients', status: 'completed' });
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
    for (const cron of ['nightly', '2030-01-01T00:00:00', '0 0 30 2 *', '0 0 2 * * * 2030', '61 * * * *']) {
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
  });
});
