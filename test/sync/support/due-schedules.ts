/** Clinics 1001 and following, whose nightly schedule has been due for days. */
import { createMemoryBus } from '../../../src/events/memory-bus.ts';
import type { SchedulerDeps } from '../../../src/sync/schedule/scheduler.ts';
import { openEngine } from '../../support/engine.ts';
import { people, scriptedSource } from '../../support/scripted-source.ts';

export async function openSchedules(databaseUrl: string, clinics: number) {
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
