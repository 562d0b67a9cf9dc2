/** What started a run, on its page: an account, a schedule, a second attempt, an operation on many clinics, another program. */
import { expect, vi } from 'vitest';
import { SyncLog, type SyncTrigger } from '#contract/sync-log.ts';
import { OURS, startGuardedServer } from '../access/support/guarded-server.ts';
import { putJson } from '../support/server.ts';
import { test } from './support/test.ts';

test('a run names what started it, in its log, on its page and for an account in the audit log', async ({
  databaseUrl,
  page,
}) => {
  const server = await startGuardedServer(databaseUrl, { patients: 5 });
  const { sql } = server.database;
  const token = await server.token({ name: 'Reception', scope: 'sync', organizations: '*' });
  const ask = (path: string, body: object = {}) =>
    server.as(token, path, { method: 'POST', body: JSON.stringify(body) });
  const known = new Set<number>();
  /** The next run that has ended. */
  const nextRun = async (): Promise<SyncLog> =>
    await vi.waitFor(
      async () => {
        const { logs } = await (await server.as(token, `/cliniko/sync-logs/${OURS}?limit=1`)).json();
        const log = SyncLog.parse(logs[0]);
        if (known.has(log.id) || log.status === 'running')
          throw new Error('There is no new run that has ended.');
        known.add(log.id);
        return log;
      },
      { timeout: 20_000, interval: 50 },
    );
  const expected: [id: number, words: string][] = [];
  const seen = async (trigger: SyncTrigger, words: string) => {
    const { id, metadata } = await nextRun();
    expect(metadata.trigger).toEqual(trigger);
    expected.push([id, words]);
    return id;
  };

  await ask(`/cliniko/sync-all/${OURS}`);
  const byToken = await seen({ kind: 'token', name: 'Reception' }, 'Token Reception');
  await ask('/operations', { action: 'start', filter: { organizations: [OURS] } });
  await seen({ kind: 'token', name: 'Reception' }, 'Token Reception');
  const cron = `0 ${(new Date().getUTCHours() + 12) % 24} * * *`;
  await putJson((path, init) => server.as(server.admin, path, init), `/organizations/${OURS}`, {
    schedule: { cron, time_zone: 'UTC' },
  });
  await sql`update organizations set next_sync_at = clock_timestamp() where id = ${OURS}`;
  const scheduled = await seen({ kind: 'schedule', schedule: cron }, `Schedule ${cron}`);
  await sql`update organizations set retry_at = clock_timestamp(), retry_of = ${scheduled}, retry_type = 'full_patients',
    retry_attempt = 1 where id = ${OURS}`;
  await seen({ kind: 'retry', schedule: cron }, 'Second attempt');
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
    values (${OURS}, 'nightly_import', 'success', now() at time zone 'utc', now() at time zone 'utc')`;
  await seen({ kind: 'external' }, 'Another program');

  await page.addInitScript((kept) => sessionStorage.setItem('patient-sync.token', kept), token);
  for (const [id, words] of expected) {
    await page.goto(`${server.url}/?org=${OURS}&run=${id}`);
    await page.getByRole('term').filter({ hasText: 'Started by' }).waitFor();
    await page.getByRole('definition').filter({ hasText: words }).first().waitFor();
  }
  const audit = await sql<{ action: string; actor: string; details: object }[]>`
    select action, actor, details from audit_log where action in ('sync.start', 'operation.create') order by id`;
  const actor = expect.stringMatching(/^token:/);
  // A schedule and another program have no account: the log of the run names them.
  expect(audit).toMatchObject([
    { action: 'sync.start', actor, details: { sync_log_id: byToken } },
    { action: 'operation.create', actor, details: { operation: 'start', matched: 1 } },
  ]);
});
