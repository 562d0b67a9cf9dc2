/** Rows of `sync_logs` from other programs: every status, number, time and metadata has a valid rendering. */
import { describe, expect, inject, onTestFinished, vi } from 'vitest';
import type { z } from 'zod';
import { SyncLog, SyncLogList } from '#contract/sync-log.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openDatabase } from '../../src/database/open.ts';
import { endInterruptedRuns } from '../../src/sync/stale-foreign-runs.ts';
import { connectInTest as connect, test } from '../support/database.ts';
import type { SentEvent } from '../support/sent-event.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type OpenStream, openStream } from '../support/stream.ts';

async function poll(server: TestServer, query = ''): Promise<z.infer<typeof SyncLogList>> {
  return SyncLogList.parse(await (await server.api(`/cliniko/sync-logs/123?limit=100${query}`)).json());
}

async function next(stream: OpenStream, type: string): Promise<SentEvent> {
  const events = await stream.until((sent) => sent.some(({ event }) => event === type));
  const found = events.find(({ event }) => event === type);
  if (found === undefined) throw new Error(`No ${type}.`);
  return found;
}

const READINGS = [
  ['success', 'completed', null],
  ['warning', 'completed', null],
  ['skipped', 'completed', null],
  ['SUCCESS ', 'completed', null],
  ['timeout', 'failed', 'The sync timed out.'],
  ['error', 'failed', 'The program that ran the sync gave no reason.'],
  ['failed', 'failed', 'The program that ran the sync gave no reason.'],
  ['cancelled', 'failed', 'The sync was cancelled.'],
  ['in_progress', 'running', null],
  ['', 'running', null],
] as const;

test('a status in capitals reads the same in a database of any language', async () => {
  const admin = connect(inject('databaseAdminUrl'));
  await admin.unsafe(
    "create database t_turkish locale_provider icu icu_locale 'tr' encoding 'UTF8' template template0",
  );
  onTestFinished(async () => {
    const last = connect(inject('databaseAdminUrl'));
    await last.unsafe('drop database t_turkish with (force)');
  });
  const url = new URL(inject('databaseAdminUrl'));
  url.pathname = '/t_turkish';
  await migrate(url.href);
  const sql = connect(url.href);
  const [row] = await sql`select lower('I') <> 'i' as "isTurkish", sync_status_word('FAILED') as failed,
    sync_status_word(' Skipped') as skipped, sync_status_word('TIMEOUT') as timeout`;
  expect(row).toEqual({ isTurkish: true, failed: 'failed', skipped: 'completed', timeout: 'failed' });
  const [run] = await sql`insert into sync_logs as log (organization_id, operation_type, status, started_at)
    values (123, 'patient_sync', 'TIMEOUT', '2026-11-23 10:00:00') returning sync_log_row(log) ->> 'word' as word`;
  expect(run).toEqual({ word: 'timeout' });
});

test('a program whose session reads a backslash in a string as an escape records a failed run', async ({
  databaseUrl,
}) => {
  const sql = connect(databaseUrl);
  await sql`set standard_conforming_strings = off`;
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
    values (123, 'patient_sync', 'running', '2026-11-23 10:00:00')`;
  const [row] = await sql`update sync_logs set status = 'failed', completed_at = '2026-11-23 10:01:00',
    error_details = 'Cliniko is away (HTTP 503)' returning status`;
  expect(row).toEqual({ status: 'failed' });
});

describe('the status of another program', () => {
  test.for(READINGS)(
    '%j reads as %s, in poll, stream, history and counts',
    async ([word, status, reason], { databaseUrl }) => {
      const server = await startTestServer(databaseUrl);
      const sql = connect(databaseUrl);
      const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
      await next(stream, 'snapshot');
      const [row] =
        await sql`insert into sync_logs (organization_id, operation_type, status, started_at, error_details)
      values (123, 'patient_sync', ${word}, '2026-11-23 10:00:00', '') returning id`;
      const event = await next(stream, status === 'running' ? 'started' : status);
      const { logs } = await poll(server);

      expect(logs).toHaveLength(1);
      expect(JSON.parse(event.data).log).toEqual(logs[0]);
      expect(logs[0]).toMatchObject({
        status,
        source_system: 'cliniko',
        created_at: '2026-11-23T10:00:00.000Z',
      });
      expect(logs[0]?.completed_at).toBe(status === 'running' ? null : logs[0]?.updated_at);
      if (reason !== null) expect(logs[0]?.error_details).toBe(reason);
      const old = await (await server.api('/sync/status/organization/123')).json();
      expect(old.status).toBe(word === 'cancelled' ? word : status);
      expect((await poll(server, `&status=${status}`)).total_logs).toBe(1);
      const { success_by_day } = await (await server.api('/cliniko/analytics/123')).json();
      expect(success_by_day).toHaveLength(status === 'completed' ? 1 : 0);
      const timeline = await server.api(`/cliniko/sync-logs/123/${row?.id}/timeline`);
      expect(await timeline.text()).toContain(event.data);
      expect(await sql`select status, completed_at, metadata from sync_logs`).toEqual([
        { status: word, completed_at: null, metadata: null },
      ]);
    },
  );

  test('with an unknown running status ends after 15 minutes without a change', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connect(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at, metadata)
      values (123, 'a', 'in_progress', now() - interval '16 minutes', '[1]'), (123, 'b', 'pending', 'infinity', null),
        (123, 'c', 'in_progress', now(), '{"errors": ["one"]}'), (123, 'd', 'skipped', now() - interval '1 day', null)`;
    await sql`delete from sync_events`;
    const database = openDatabase(databaseUrl);
    await endInterruptedRuns(database);
    await database.close();
    const { logs } = await poll(server);
    const byType = Object.fromEntries(logs.map((log) => [log.operation_type, log]));
    expect(byType.a).toMatchObject({
      status: 'failed',
      metadata: { error_type: 'SYNC_INTERRUPTED', step: 'failed', errors: [byType.a?.error_details] },
    });
    expect([byType.b?.status, byType.c?.status, byType.d?.status]).toEqual([
      'failed',
      'running',
      'completed',
    ]);
  });
});

const ODD_METADATA = [
  '[]',
  '"text"',
  '5',
  'null',
  '{}',
  '{"progress_percent": 1e400}',
  '{"progress_percent": "45"}',
  '{"progress_percent": null, "errors": "none"}',
  '{"errors": {"a": 1}, "phase": 3, "step": [], "trigger": null, "patients_found": -1e300}',
  `{"deep": ${'['.repeat(3_000)}${']'.repeat(3_000)}, "progress_percent": true}`,
  `{"huge": "${'x'.repeat(2_000_000)}"}`,
];

describe('keys that another program omitted', () => {
  test('are filled in for clients, and existing keys are kept', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connect(databaseUrl);
    await sql`insert into sync_logs
      (organization_id, operation_type, status, started_at, records_processed, metadata, error_details)
      values (123, 'patient_sync', 'error', now(), 7, '{"patients_found": 9, "step": "mine", "odd": 12345678901234567890}', 'No.')`;
    const text = await (await server.api('/cliniko/sync-logs/123')).text();
    expect(text).toContain('12345678901234567890');
    const [log] = SyncLogList.parse(JSON.parse(text)).logs;
    expect(log?.metadata).toMatchObject({
      progress_percent: 0,
      step: 'mine',
      patients_loaded: 7,
      patients_processed: 7,
      total_patients: 9,
      patients_to_store: 9,
      patients_deleted: 0,
      error: 'No.',
      errors: ['No.'],
      timestamp: log?.updated_at,
      trigger: { kind: 'external' },
    });
  });

  test('and a reason in the metadata is the reason of the run', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    await connect(
      databaseUrl,
    )`insert into sync_logs (organization_id, operation_type, status, started_at, metadata)
      values (123, 'patient_sync', 'failed', now(), '{"error": " Timeout after 30 s. "}')`;
    const [log] = (await poll(server)).logs;
    expect(log?.error_details).toBe('Timeout after 30 s.');
    expect(log?.metadata).toMatchObject({ errors: ['Timeout after 30 s.'] });
  });

  test('and invalid metadata, numbers and times do not break the poll, the stream or the counts', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connect(databaseUrl);
    for (const [index, metadata] of ODD_METADATA.entries()) {
      const organization = 200 + index;
      const path = `/cliniko/sync-logs/${organization}`;
      const stream = await openStream(`${server.url}/api/v1${path}/events`);
      await next(stream, 'snapshot');
      await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at,
          records_processed, records_success, records_failed, metadata)
        values (${organization}, 'odd', 'running', '-infinity', '294276-12-31', -5, 2147483647, null,
          ${metadata}::text::jsonb)`;
      const event = await next(stream, 'started');
      expect(SyncLog.parse(JSON.parse(event.data).log)).toMatchObject({
        records_processed: -5,
        records_failed: 0,
      });
      await sql`update sync_logs set status = 'completed', started_at = '0044-03-15 BC'
        where organization_id = ${organization}`;
      await next(stream, 'completed');
      stream.close();
      const { logs } = SyncLogList.parse(await (await server.api(path)).json());
      expect(logs).toHaveLength(1);
      expect(Number.isFinite(logs[0]?.metadata.progress_percent)).toBe(true);
      for (const other of ['analytics', 'patients'] as const) {
        const rest = other === 'patients' ? '/summary' : '';
        expect((await server.api(`/cliniko/${other}/${organization}${rest}`)).status).toBe(200);
      }
    }
  });
});

describe('a program whose search_path has no public', () => {
  test('writes rows in every way, and each reaches clients', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connect(databaseUrl);
    await sql`set search_path = ''`;
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await next(stream, 'snapshot');
    const shown = async (expected: object[]) =>
      await vi.waitFor(async () => expect((await poll(server)).logs).toMatchObject(expected));
    await sql`insert into public.sync_logs (organization_id, operation_type, status, started_at)
      values (123, 'a', 'completed', '2026-11-23 10:00:00'), (123, 'b', 'timeout', '2026-11-23 11:00:00'),
        (123, 'c', 'running', '2026-11-23 12:00:00')`;
    for (const type of ['completed', 'failed', 'started']) await next(stream, type);
    await sql`update public.sync_logs set status = 'success' where operation_type = 'c'`;
    await shown([{ status: 'completed' }, { status: 'failed' }, { status: 'completed' }]);
    await sql`delete from public.sync_logs where operation_type = 'c'`;
    await shown([{ status: 'failed' }, { status: 'completed' }]);
    await sql`truncate public.sync_logs`;
    await shown([]);
  });
});

describe('the newest run', () => {
  test('is the same from memory and from the table, whatever the year of its start', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connect(databaseUrl);
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await next(stream, 'snapshot');
    const times = ['-infinity', '4000-01-01 BC', '0044-01-01 BC', '2027-01-01', '12026-01-01', 'infinity'];
    for (const [index, time] of times.entries()) {
      await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
        values (123, ${`start ${index}`}, 'completed', ${time}::text::timestamp)`;
      // The change of an older run: it must not become the newest.
      await sql`update sync_logs set records_processed = ${index + 1} where id = (select min(id) from sync_logs)`;
      await stream.until((sent) => sent.length === 2 * (index + 2));
      const [[fromTable], newest] = [
        (await poll(server)).logs,
        await server.api('/cliniko/sync-logs/123?limit=1'),
      ];
      expect(fromTable?.operation_type).toBe(`start ${index}`);
      expect(SyncLogList.parse(await newest.json()).logs, time).toEqual([fromTable]);
    }
  });
});

describe('the list of sync logs', () => {
  test('has the organization, the number of logs and has_more, also from memory', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connect(databaseUrl);
    const one = async () => await (await server.api('/cliniko/sync-logs/123?limit=1')).json();
    const shape = { organization_id: 123, source_system: 'cliniko' };
    expect(await one()).toEqual({ ...shape, logs: [], total_logs: 0, has_more: false });
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await next(stream, 'snapshot');
    const add = () => sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (123, 'a', 'completed', clock_timestamp() at time zone 'utc')`;
    for (const has_more of [false, true, true]) {
      await add();
      await vi.waitFor(async () => expect(await one()).toMatchObject({ ...shape, total_logs: 1, has_more }));
    }
    await sql`delete from sync_logs where id < (select max(id) from sync_logs)`;
    await vi.waitFor(async () => expect(await one()).toMatchObject({ total_logs: 1, has_more: false }));
    expect(await one()).toMatchObject({ total_logs: 1, has_more: false });
  });
});
