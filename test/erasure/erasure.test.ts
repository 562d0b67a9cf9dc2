/** Erasing patients and whole clinics: first a preview, then the erasure, and no patient data remains. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { Sql } from 'postgres';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { ErasedOrganization } from '#contract/erasure.ts';
import { Overview } from '#contract/overview.ts';
import { PatientSummary } from '#contract/patients.ts';
import { StartedSync } from '#contract/sync-log.ts';
import { type Database, openDatabase } from '../../src/database/open.ts';
import { countErasable, eraseAndAudit } from '../../src/erasure/erase.ts';
import { purgeMissing } from '../../src/erasure/purge.ts';
import { builtEntry } from '../support/build-server.ts';
import { connectInTest, test } from '../support/database.ts';
import { rethrow } from '../support/rethrow.ts';
import { putJson, startTestServer, type TestServer } from '../support/server.ts';
import { askJson, wholeSync } from '../support/whole-sync.ts';

const run = promisify(execFile);

function open(databaseUrl: string): Database {
  const database = openDatabase(databaseUrl, { max: 1 });
  onTestFinished(() => database.close());
  return database;
}

/** A clinic with patients; two of them are in quarantine and named by id in its logs. */
async function syncedClinic(databaseUrl: string) {
  const server = await startTestServer(databaseUrl, { patients: 120 });
  const { people } = server.cliniko;
  for (const id of people.ids()) people.override(id, { email: `p${id}@example.com` });
  const quarantined = [people.idOf(3), people.idOf(90)] as const;
  for (const id of quarantined) people.override(id, { email: null });
  const settings = { validation: { email: 'require' }, schedule: { cron: '0 2 * * *', time_zone: 'UTC' } };
  await server.api('/organizations/123', { method: 'PUT', body: JSON.stringify(settings) });
  const log = await wholeSync(server);
  expect(log).toMatchObject({ status: 'completed', records_success: 118, records_failed: 2 });
  return { server, people, quarantined, log, database: open(databaseUrl) };
}

/** The log of changes keeps ids for its retention time: a copy that follows it has to erase these patients too. */
const CHANGES = 'patient_changes';

/** The tables with a row that contains one of these texts, in any column. */
async function mentions(sql: Sql, texts: readonly string[]): Promise<string[]> {
  const tables = await sql<{ name: string }[]>`
    select c.relname as name from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind = 'r'`;
  const found = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await sql`select 1 from ${sql(name)} as t
        where exists (select 1 from unnest(${texts as string[]}::text[]) as text where t::text like '%' || text || '%')`;
      return rows.length > 0 ? [name] : [];
    }),
  );
  return [...new Set(found.flat().map((name) => name.replace(/^patient_changes_\d{8}$/, CHANGES)))].sort();
}

const remove = async (server: TestServer, query = '') =>
  ErasedOrganization.parse(await askJson(server, `/organizations/123${query}`, 'DELETE'));

describe('deleting an organization', () => {
  test('previews the erasure, and changes nothing', async ({ databaseUrl }) => {
    const { server } = await syncedClinic(databaseUrl);
    const before = await askJson(server, '/cliniko/patients/123/summary');

    expect(await remove(server, '?dry_run=true')).toEqual({
      organization_id: 123,
      dry_run: true,
      patients: 118,
      quarantined: 2,
      credentials: true,
      schedule: true,
      ended_sync_log_id: null,
    });
    expect(await askJson(server, '/cliniko/patients/123/summary')).toEqual(before);
    expect((await server.api('/organizations/123?dry_run=perhaps', { method: 'DELETE' })).status).toBe(400);
  });

  test('keeps its logs, and no patient anywhere; ids only in the log of changes', async ({ databaseUrl }) => {
    const { server, people, log, database } = await syncedClinic(databaseUrl);
    const ids = [...people.ids()];
    expect(await mentions(database.sql, ids)).toContain('sync_logs');

    expect(await remove(server)).toMatchObject({ dry_run: false, patients: 118, quarantined: 2 });

    expect(await mentions(database.sql, ids)).toEqual([CHANGES]);
    expect(await askJson(server, `/cliniko/sync-logs/123/${log.id}`)).toMatchObject({
      status: 'completed',
      records_success: 118,
      metadata: { errors: [], errors_total: 2 },
    });
    expect((await server.api('/organizations/123')).status).toBe(404);
    expect((await server.api('/organizations/123', { method: 'DELETE' })).status).toBe(404);
    expect((await server.api('/cliniko/sync-all/123', { method: 'POST' })).status).toBe(404);
    expect(
      await database.sql`select action, details from audit_log where action = 'organization.delete'`,
    ).toEqual([{ action: 'organization.delete', details: { patients: 118, quarantined: 2 } }]);
  });

  test('leaves its runs behind: another clinic with its id has no success before its own', async ({
    databaseUrl,
  }) => {
    const { server, log } = await syncedClinic(databaseUrl);
    const state = async () => {
      const { organizations } = Overview.parse(await askJson(server, '/overview'));
      const { last_completed_sync } = PatientSummary.parse(
        await askJson(server, '/cliniko/patients/123/summary'),
      );
      const [row] = organizations;
      return {
        state: row?.state,
        since: row?.last_success_at,
        errors: row?.errors,
        sync: last_completed_sync?.id ?? null,
      };
    };
    expect(await state()).toMatchObject({ state: 'with_errors', errors: 2, sync: log.id });
    await remove(server);
    await putJson(server.api, '/organizations/123', { name: 'Another clinic' });
    expect(await state()).toEqual({ state: 'never', since: null, errors: 0, sync: null });
    expect(await askJson(server, '/cliniko/sync-logs/123')).toMatchObject({ logs: [{ id: log.id }] });

    await putJson(server.api, '/organizations/123/cliniko-credentials', { api_key: server.cliniko.apiKey });
    const own = await wholeSync(server);
    expect(await state()).toMatchObject({ since: own.completed_at, sync: own.id });
  });

  test('ends the running sync, and no patient is stored afterwards', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 400 });
    const { sql } = open(databaseUrl);
    server.cliniko.faults.onPage(3, { kind: 'hang' });
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await expect
      .poll(() => askJson(server, '/cliniko/sync-logs/123'))
      .toMatchObject({ logs: [{ records_processed: 200 }] });

    const erased = await remove(server);
    server.cliniko.faults.clear();
    server.cliniko.faults.release();

    expect(erased).toMatchObject({ patients: 200, ended_sync_log_id: expect.any(Number) });
    expect(await askJson(server, '/cliniko/sync-logs/123')).toMatchObject({
      logs: [{ status: 'failed', metadata: { error_type: 'SYNC_CANCELLED' } }],
    });
    await server.stop();
    expect(await sql`select 1 from patients`).toHaveLength(0);
    // The ids that the run has counted.
    expect(await sql`select 1 from sync_seen`).toHaveLength(0);
  });

  test('leaves the reason of each failed run, as its text and as the newest of its errors', async ({
    databaseUrl,
  }) => {
    const { server, database } = await syncedClinic(databaseUrl);
    await database.sql`delete from cliniko_credentials`;
    await wholeSync(server);
    await database.sql`
      insert into sync_logs (organization_id, operation_type, status, started_at, error_details, metadata)
      values (123, 'legacy', 'failed', '2026-01-01', 'No answer', '{"errors": ["Patient ID 7: odd", "No answer"]}')`;
    await remove(server);
    const rows = await database.sql<{ reason: string; errors: string[] }[]>`
      select error_details as reason, metadata -> 'errors' as errors from sync_logs where status = 'failed'
      order by errors`;
    expect(rows.map(({ reason, errors }) => [reason, ...errors])).toEqual(
      rows.map(({ reason }) => [reason, reason]),
    );
    expect(rows.map(({ reason }) => reason).sort()).toEqual([
      expect.stringContaining('No API key'),
      'No answer',
    ]);
    const events = await database.sql<{ errors: string[] }[]>`
      select distinct row #> '{metadata,errors}' as errors from sync_events where type = 'failed' order by errors`;
    expect(events.map(({ errors }) => errors)).toEqual(rows.map(({ errors }) => errors));
  });
});

const erase = async (databaseUrl: string, ...args: string[]): Promise<string> => {
  const command = [builtEntry('cli/erase'), '--org', '123', ...args];
  const { stdout } = await run(process.execPath, command, {
    env: { ...process.env, DATABASE_URL: databaseUrl },
  });
  return stdout;
};

describe('npm run patients:erase', () => {
  test('previews the erasure, and erases only after a confirmation', async ({ databaseUrl }) => {
    const { people, quarantined, database } = await syncedClinic(databaseUrl);
    const ids = [people.idOf(10), quarantined[0]];

    const shown = await erase(databaseUrl, '--patient', ids.join(','));
    expect(shown).toContain('1 patient, and 1 in quarantine');
    expect(shown).toContain('Nothing was erased');
    expect(await mentions(database.sql, ids)).toContain('patients');

    const done = await erase(databaseUrl, '--patient', ids.join(','), '--confirm');
    expect(done).toContain('Erased permanently: 1 patient, and 1 in quarantine.');
    expect(await mentions(database.sql, ids)).toEqual([CHANGES]);
    expect(await mentions(database.sql, [quarantined[1]])).toContain('sync_logs');
    expect(
      await database.sql`select action, actor, details from audit_log where action like 'patients.%'`,
    ).toEqual([{ action: 'patients.erase', actor: 'command line', details: { count: 1, quarantined: 1 } }]);
  });

  test('prints one JSON object a line with --json', async ({ databaseUrl }) => {
    const { people } = await syncedClinic(databaseUrl);
    const shown = await erase(databaseUrl, '--patient', people.idOf(10), '--confirm', '--json');
    const lines = shown
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(lines).toEqual([
      { type: 'found', organization_id: 123, patients: 1, quarantined: 0, still_in_cliniko: 1 },
      { type: 'erased', organization_id: 123, patients: 1, quarantined: 0 },
    ]);
  });

  test('erases also when nothing reads its output, as in a pipe to head', async ({ databaseUrl }) => {
    const { people, database } = await syncedClinic(databaseUrl);
    const id = people.idOf(10);
    const command = [builtEntry('cli/erase'), '--org', '123', '--patient', id, '--confirm'];
    const child = spawn(process.execPath, command, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, DATABASE_URL: databaseUrl },
    });
    child.stdout.destroy();
    const observer = connectInTest(databaseUrl);
    // Holds the erasure up until the loss of the reader has long been noticed.
    const waiting = await database.sql.begin(async (tx) => {
      await tx`select from organizations where id = 123 for update`;
      return await vi.waitFor(async () => {
        const sessions = await observer`select from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`;
        expect(sessions.length > 0 || child.exitCode !== null).toBe(true);
        return sessions.length;
      });
    });
    expect(waiting).toBe(1);
    if (child.exitCode === null) await once(child, 'exit');
    expect(child.exitCode).toBe(0);
    expect(await mentions(database.sql, [id])).toEqual([CHANGES]);
  });

  test('prints its usage when the arguments are invalid', async ({ databaseUrl }) => {
    await expect(erase(databaseUrl)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Usage'),
    });
    await expect(erase(databaseUrl, '--patient', "1'; drop table")).rejects.toMatchObject({ code: 2 });
  });
});

describe('the answer that is kept for an Idempotency-Key', () => {
  test.for(['organization', 'patient'] as const)(
    'is given again without the lines of erased patients (%s)',
    async (what, { databaseUrl }) => {
      const { server, quarantined, database } = await syncedClinic(databaseUrl);
      const [id] = quarantined;
      server.cliniko.faults.onPage(2, { kind: 'hang' });
      await server.api('/cliniko/sync-all/123', { method: 'POST' });
      await expect
        .poll(() => askJson(server, '/cliniko/sync-logs/123?limit=1'))
        .toMatchObject({
          logs: [{ metadata: { errors: expect.arrayContaining([expect.stringContaining(id)]) } }],
        });
      const joins = { method: 'POST', headers: { 'idempotency-key': 'k' } };
      const first = StartedSync.parse(await (await server.api('/cliniko/sync-all/123', joins)).json());
      expect(first.already_running).toBe(true);
      expect(await mentions(database.sql, [id])).toContain('idempotency_keys');

      if (what === 'organization') await remove(server);
      else await eraseAndAudit(database, 123, { kind: 'listed', ids: [id] }, () => undefined);

      expect(await mentions(database.sql, [id])).not.toContain('idempotency_keys');
      if (what === 'organization') return;
      const again = await server.api('/cliniko/sync-all/123', joins);
      expect(again.headers.get('idempotent-replayed')).toBe('true');
      const { metadata } = first.log;
      const errors = metadata.errors?.filter((line) => !line.includes(id));
      expect(await again.json()).toEqual({
        ...first,
        log: { ...first.log, metadata: { ...metadata, errors } },
      });
    },
  );
});

describe('the purge', () => {
  test('erases only patients that are missing for the given number of days', async ({ databaseUrl }) => {
    const { people, database } = await syncedClinic(databaseUrl);
    const { sql } = database;
    const [long, lately] = [people.idOf(20), people.idOf(21)];
    await sql`update patients set missing_since = now() - interval '31 days' where cliniko_patient_id = ${long}`;
    await sql`update patients set missing_since = now() - interval '29 days' where cliniko_patient_id = ${lately}`;
    const ids = [long, lately, people.idOf(22)];
    expect(await countErasable(sql, 123, { kind: 'listed', ids })).toEqual({
      patients: 3,
      quarantined: 0,
      still_in_cliniko: 1,
    });
    expect(await countErasable(sql, 123, { kind: 'missing', forDays: 30 })).toMatchObject({ patients: 1 });

    expect(await purgeMissing(database, 30, rethrow)).toBe(1);
    expect(await purgeMissing(database, 30, rethrow)).toBe(0);
    expect(await mentions(sql, [long])).toEqual([CHANGES]);
    expect(await sql`select 1 from patients`).toHaveLength(117);
    expect(await sql`select action, details from audit_log where action like 'patients.%'`).toEqual([
      { action: 'patients.purge', details: { count: 1, missing_for_days: 30 } },
    ]);
  });
});
