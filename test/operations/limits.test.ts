/** What limits a bulk operation: the runs that wait for a worker, the Cliniko account that clinics share, and what it is about. */
import { expect, vi } from 'vitest';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase } from '../../src/database/open.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { workOnOperations } from '../../src/operations/work-on-operations.ts';
import { connectInTest, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';
import { startTestServer } from '../support/server.ts';

const PER_MINUTE = 20;

test('a retry of 30 clinics keeps the budget of their key: runs wait for Cliniko', async ({
  databaseUrl,
}) => {
  const ids = Array.from({ length: 30 }, (_, index) => index + 1);
  const cliniko = await startClinikoSimulator({ patients: 5, requestsPerMinute: Number.POSITIVE_INFINITY });
  const settings = {
    ...readConfig({}, [], false).cliniko,
    baseUrl: cliniko.url,
    requestsPerMinute: PER_MINUTE,
  };
  const server = await startTestServer(databaseUrl, {
    organizations: ids,
    cliniko,
    config: { cliniko: settings },
  });
  const before = cliniko.requests.length;
  const sent = () => cliniko.requests.length - before;
  const sql = connectInTest(databaseUrl);
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at, metadata)
    select id, 'full_patients', 'failed', now() at time zone 'utc' - interval '1 hour', now() at time zone 'utc',
      '{"error_type": "CLINIKO_UNAVAILABLE"}' from organizations`;
  const body = JSON.stringify({ action: 'retry', filter: { error_type: ['CLINIKO_UNAVAILABLE'] } });
  await server.api('/operations', { method: 'POST', body });
  await vi.waitFor(
    async () => {
      const started = await sql<{ id: number; phase: string }[]>`
        select organization_id as id, metadata ->> 'phase' as phase from sync_logs
        where metadata -> 'retry_of' is not null order by organization_id`;
      expect(started.map(({ id }) => id)).toEqual(ids);
      expect(started.map(({ phase }) => phase)).toContain('waiting');
      expect(sent()).toBeGreaterThan(0);
    },
    { timeout: 20_000, interval: 50 },
  );
  expect(sent()).toBeLessThanOrEqual(PER_MINUTE);
  await server.stop();
  await cliniko.close();
});

test('an operation starts no run while 100 wait for a worker, with any number of servers', async ({
  databaseUrl,
}) => {
  const engine = await openEngine(databaseUrl);
  const { sql } = engine;
  // Without a key.
  await sql`insert into organizations (id, country, time_zone, validation)
    select id, 'AU', 'UTC', '{"phone": "warn", "email": "optional"}' from generate_series(1, 250) as id
    on conflict do nothing`;
  const trigger = '{"kind": "person"}';
  await sql`insert into bulk_operations (action, operation_type, actor, trigger, matched)
    values ('start', 'changed_patients', 'anyone', ${trigger}::text::jsonb, 250)`;
  await sql`insert into bulk_operation_targets (operation_id, organization_id) select 1, id from organizations`;
  const { logger } = engine.deps(scriptedSource(people(0)));
  const work = async () => {
    const servers = [1, 2, 3].map(() => openDatabase(databaseUrl, { max: 2 }));
    const deps = { logger, bus: createMemoryBus(), onApplied: () => {} };
    await Promise.all(servers.map((database) => workOnOperations({ ...deps, database })));
    await Promise.all(servers.map((database) => database.close()));
  };
  for (const [least, most] of [
    [100, 102],
    [200, 204],
    [250, 250],
  ] as const) {
    await work();
    const runs = await sql<{ count: number }[]>`
      select count(*)::int from sync_logs where metadata -> 'trigger' is not null group by organization_id`;
    expect(runs.length).toBeGreaterThanOrEqual(least);
    expect(runs.length).toBeLessThanOrEqual(most);
    expect(runs.filter(({ count }) => count !== 1)).toEqual([]);
    // A run that a worker has does not wait.
    await sql`update sync_runs set owner = 'worker'`;
  }
  await work();
  expect(await sql`select status, completed_at is not null as ended from bulk_operations`).toEqual([
    { status: 'completed', ended: true },
  ]);

  // A cancel means the runs that were there when it was asked for; what is deleted by now is passed over.
  await sql`insert into bulk_operations (action, actor, trigger, created_at)
    select action, 'anyone', ${trigger}::text::jsonb, at::timestamptz
    from (values ('cancel', '2026-01-01'), ('cancel', '2999-01-01'), ('pause', 'now'), ('start', 'now')) as one (action, at)`;
  await sql`insert into bulk_operation_targets (operation_id, organization_id) values (2, 1), (3, 2), (4, 999), (5, 999)`;
  await work();
  expect(
    await sql`select outcome from bulk_operation_targets where operation_id > 1 order by operation_id`,
  ).toEqual(['skipped', 'done', 'skipped', 'skipped'].map((outcome) => ({ outcome })));
});
