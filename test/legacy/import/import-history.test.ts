/** The history of a real old database, copied into a running server. */
import type { Sql } from 'postgres';
import { describe, expect, onTestFinished } from 'vitest';
import { SyncLogList } from '#contract/sync-log.ts';
import { openDatabase } from '../../../src/database/open.ts';
import { prepareDatabase } from '../../../src/database/prepare.ts';
import { type ImportReport, importHistory } from '../../../src/legacy/import/import-history.ts';
import { withLegacySource } from '../../../src/legacy/import/legacy-source.ts';
import { createPlatform } from '../../database/support/platform.ts';
import { connectInTest, createEmptyDatabase, test } from '../../support/database.ts';
import { guideBlock } from '../../support/guide.ts';
import { startTestServer } from '../../support/server.ts';
import { openStream } from '../../support/stream.ts';
import { insertOldRuns, OLD_SCHEMA, type OldRun } from '../support/old-database.ts';

const NAMED = { error: 'Grace Example: phone 0412 345 678 is invalid', patient: { name: 'Grace Example' } };

const RUNS: OldRun[] = [
  {
    status: 'completed',
    startedAt: '2026-03-01 10:00:00+11',
    completedAt: '2026-03-01 10:04:22+11',
    counts: [648, 648, 0],
  },
  {
    status: 'success',
    operation: 'patient_sync',
    startedAt: '2026-03-02 10:00:00+11',
    counts: [10, 9, 1],
    errorDetails: [{ patient_id: '77', name: 'Grace Example', error: 'phone 0412 345 678' }],
  },
  {
    status: 'warning',
    operation: 'incremental_sync',
    startedAt: '2026-03-03 10:00:00+11',
    counts: [0, 0, 0],
  },
  {
    status: 'timeout',
    operation: 'comprehensive_sync',
    startedAt: '2026-03-04 10:00:00+11',
    updatedAt: '2026-03-04 10:30:00+11',
    counts: [50, 50, 0],
    metadata: { patients_found: 200 },
  },
  { status: 'error', operation: 'sync_patients', startedAt: '2026-03-05 10:00:00+11', errorDetails: NAMED },
  {
    status: 'failed',
    operation: 'active_patients',
    startedAt: '2026-03-06 10:00:00+11',
    errorDetails: 'HTTP 401',
  },
  { status: 'cancelled', startedAt: '2026-03-07 10:00:00+11' },
  { status: 'running', startedAt: '2026-03-08 10:00:00+11' },
  { status: 'running', startedAt: 'now' },
  { status: 'skipped', startedAt: '2026-03-09 10:00:00+11' },
  { status: 'Grace Example', startedAt: '2026-03-09 11:00:00+11' },
  { status: 'completed', operation: 'full_appointments', startedAt: '2026-03-10 10:00:00+11' },
  { status: 'completed', source: 'xero', startedAt: '2026-03-10 11:00:00+11' },
  { status: 'completed', startedAt: 'infinity' },
  { status: 'completed', organization: 'org_xyz', startedAt: '2026-03-10 12:00:00+11' },
];

const EXPECTED = {
  copied: 8,
  leftOut: {
    'running, changed within the last day: import it when it has ended': 1,
    'status skipped: nothing ran': 1,
    'status of another kind, whose meaning is not known': 1,
    'operation full_appointments (--operation NAME=full_patients copies it)': 1,
    'source system other than cliniko': 1,
    'start time missing or out of range': 1,
  },
};

async function oldDatabase(): Promise<{ url: string; sql: Sql }> {
  const old = await createEmptyDatabase();
  await old.sql.unsafe(OLD_SCHEMA);
  await insertOldRuns(old.sql, RUNS);
  return old;
}

function importFrom(url: string, target: string, apply: boolean): Promise<ImportReport> {
  const database = openDatabase(target, { max: 1 });
  onTestFinished(database.close);
  return withLegacySource(url, { schema: undefined, timeZone: 'UTC' }, (source) =>
    importHistory(database.sql, source, {
      organizations: new Map([['org_abc', 123]]),
      operations: new Map(),
      apply,
    }),
  );
}

describe('an import', () => {
  test('says first what it would copy, copies it once, and hides no row that it leaves out', async ({
    databaseUrl,
  }) => {
    const old = await oldDatabase();
    const sql = connectInTest(databaseUrl);
    await sql`insert into organizations (id, country, time_zone, validation) values (123, 'AU', 'UTC', '{}')`;
    const dry = await importFrom(old.url, databaseUrl, false);
    expect(await sql`select from sync_logs`).toHaveLength(0);
    const first = await importFrom(old.url, databaseUrl, true);
    const second = await importFrom(old.url, databaseUrl, true);
    const counts = { legacyId: 'org_abc', organizationId: 123, rows: 14, leftOut: 6 };
    expect(dry.organizations).toEqual([{ ...counts, copied: 8, copiedBefore: 0 }]);
    expect(first).toEqual(dry);
    expect(second.organizations).toEqual([{ ...counts, copied: 0, copiedBefore: 8 }]);
    expect(Object.fromEntries(first.leftOut)).toEqual(EXPECTED.leftOut);
    expect(first.unmapped).toEqual([{ legacyId: 'org_xyz', rows: 1 }]);
    expect(first.reduced).toBe(3);
    expect(Object.fromEntries(first.statuses)).toEqual({
      'completed -> completed': 1,
      'success -> completed': 1,
      'warning -> completed': 1,
      'timeout -> failed': 1,
      'error -> failed': 1,
      'failed -> failed': 1,
      'cancelled -> failed': 1,
      'running -> failed': 1,
    });
    expect(await sql`select from sync_logs`).toHaveLength(EXPECTED.copied);
    expect(await sql`select details from audit_log where action = 'history.import'`).toEqual([
      { details: { count: 8 } },
    ]);
  });

  test('leaves out rows without an organization, and offers no mapping for them', async ({ databaseUrl }) => {
    const { url, sql } = await oldDatabase();
    await sql`alter table sync_logs alter organization_id drop not null`;
    await sql`insert into sync_logs (source_system, operation_type, status, started_at)
      values ('cliniko', 'full_patients', 'completed', '2026-03-01')`;
    const report = await importFrom(url, databaseUrl, false);
    expect(report.unmapped).toEqual([{ legacyId: 'org_xyz', rows: 1 }]);
    expect(Object.fromEntries(report.leftOut)).toEqual({ ...EXPECTED.leftOut, 'without an organization': 1 });
  });

  test('shows its rows in the history of a server that runs, without names, events or webhooks', async ({
    databaseUrl,
  }) => {
    const old = await oldDatabase();
    const server = await startTestServer(databaseUrl, { patients: 20 });
    const sql = connectInTest(databaseUrl);
    const body = JSON.stringify({ url: 'https://hooks.example.com/x' });
    expect((await server.api('/organizations/123/webhooks', { method: 'POST', body })).status).toBe(201);
    const people = JSON.stringify({
      url: 'https://hooks.slack.com/services/x',
      kind: 'slack',
      organizations: [123],
      events: ['sync.completed', 'sync.failed'],
      digest: true,
    });
    expect((await server.api('/webhooks', { method: 'POST', body: people })).status).toBe(201);
    const before = await server.api('/cliniko/sync-logs/123');
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await stream.until((sent) => sent.some(({ event }) => event === 'snapshot'));
    await importFrom(old.url, databaseUrl, true);
    const sent = await stream.until((all) => all.filter(({ event }) => event === 'snapshot').length === 2);
    expect(sent.map(({ event }) => event).filter((event) => event !== 'ping')).toEqual([
      'hello',
      'snapshot',
      'snapshot',
    ]);
    const response = await server.api('/cliniko/sync-logs/123?limit=100');
    expect(response.headers.get('etag')).not.toBe(before.headers.get('etag'));
    const text = await response.text();
    expect(text).not.toMatch(/Grace|Example|0412/);
    const { logs } = SyncLogList.parse(JSON.parse(text));
    expect(JSON.parse(sent.at(-1)?.data ?? '').log).toEqual(logs[0]);
    expect(logs.map(({ status, operation_type }) => `${operation_type} ${status}`)).toEqual([
      'full_patients failed',
      'full_patients failed',
      'active_patients failed',
      'full_patients failed',
      'full_patients failed',
      'changed_patients completed',
      'full_patients completed',
      'full_patients completed',
    ]);
    const [never, cancelled, unauthorized, error, timeout, empty, some, whole] = logs;
    expect(whole).toMatchObject({
      started_at: '2026-02-28T23:00:00.000Z',
      completed_at: '2026-02-28T23:04:22.000Z',
      updated_at: '2026-02-28T23:04:22.000Z',
      records_processed: 648,
      cursor: null,
      metadata: {
        progress_percent: 100,
        step: 'completed',
        success_rate: 100,
        patients_found: 648,
        errors: [],
      },
    });
    expect(whole?.metadata.trigger).toMatchObject({ kind: 'external' });
    expect(some?.metadata).toMatchObject({
      errors: ['Patient ID 77: Invalid phone number format'],
      errors_total: 1,
      success_rate: 90,
    });
    expect(empty?.completed_at).toBe(empty?.started_at);
    expect(timeout).toMatchObject({
      completed_at: '2026-03-03T23:30:00.000Z',
      error_details: 'The sync timed out in the old system.',
      metadata: { progress_percent: 25, step: 'failed', retry_recommended: false },
    });
    expect(error?.metadata.error_type).toBe('INTERNAL_ERROR');
    expect(error?.metadata.errors).toEqual([error?.error_details]);
    expect(unauthorized?.metadata.error_type).toBe('CLINIKO_AUTH_FAILED');
    expect(cancelled?.metadata.step).toBe('cancelled');
    expect(never?.metadata.error_type).toBe('SYNC_INTERRUPTED');
    expect(await sql`select from webhook_deliveries`).toHaveLength(0);
    expect(await sql`select from webhook_notices`).toHaveLength(0);
    expect(
      await sql`select head::int, (select count(*)::int from sync_events) as events from sync_streams`,
    ).toEqual([{ head: 1, events: 1 }]);

    // The next sync continues the stream, is no incremental one on the history of another system, and counts apart.
    await server.api('/cliniko/sync-changed/123', { method: 'POST' });
    await stream.until((all) => all.some(({ event }) => event === 'completed'));
    const [own] = SyncLogList.parse(await (await server.api('/cliniko/sync-logs/123?limit=1')).json()).logs;
    expect(own).toMatchObject({ status: 'completed', records_success: 20 });
    const timeline = await (await server.api(`/cliniko/sync-logs/123/${whole?.id}/timeline`)).json();
    expect(timeline).toMatchObject({ events: [], trimmed: true });
    // The queries of the monitoring guide run on the imported rows too.
    await sql.unsafe(await guideBlock('sql', 'Success rate over time'));
  });

  test('works with the role of the servers, which owns no table', async () => {
    const old = await oldDatabase();
    const platform = await createPlatform();
    const url = platform.urlOf(await platform.createRole());
    await prepareDatabase({ url, migrateUrl: platform.ownerUrl, readers: [] });
    await platform.admin`insert into organizations (id, country, time_zone, validation) values (123, 'AU', 'UTC', '{}')`;
    const report = await importFrom(old.url, url, true);
    expect(report.organizations).toMatchObject([{ copied: EXPECTED.copied }]);
  });

  test('reads times without a zone in the configured zone, also across the change of summer time', async ({
    databaseUrl,
  }) => {
    const old = await createEmptyDatabase();
    await old.sql.unsafe(await guideBlock('sql', 'CREATE TABLE'));
    await old.sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
      values (7, 'full_patients', 'completed', '2026-04-05 01:30:00', '2026-04-05 03:30:00')`;
    const sql = connectInTest(databaseUrl);
    await sql`insert into organizations (id, country, time_zone, validation) values (123, 'AU', 'UTC', '{}')`;
    const database = openDatabase(databaseUrl, { max: 1 });
    onTestFinished(database.close);
    const options = { organizations: new Map([['7', 123]]), operations: new Map(), apply: true };
    for (const timeZone of ['Australia/Sydney', 'UTC']) {
      await withLegacySource(old.url, { schema: undefined, timeZone }, (source) => {
        expect(source.table.needsTimeZone).toBe(true);
        return importHistory(database.sql, source, options);
      });
    }
    // Told another zone, the second import still recognizes the row.
    expect(await sql`select started_at::text, completed_at::text from sync_logs`).toEqual([
      { started_at: '2026-04-04 14:30:00', completed_at: '2026-04-04 17:30:00' },
    ]);
  });

  test('copies thousands of rows in portions, and continues after it was stopped', async ({
    databaseUrl,
  }) => {
    const old = await createEmptyDatabase();
    await old.sql.unsafe(OLD_SCHEMA);
    await old.sql`insert into sync_logs (organization_id, source_system, operation_type, status, started_at, completed_at)
      select 'org_abc', 'cliniko', 'full_patients', 'completed', at, at + interval '1 minute'
      from generate_series('2026-01-01'::timestamptz, '2026-01-01'::timestamptz + interval '2499 hours', '1 hour') as at`;
    const sql = connectInTest(databaseUrl);
    await sql`insert into organizations (id, country, time_zone, validation) values (123, 'AU', 'UTC', '{}')`;
    const database = openDatabase(databaseUrl, { max: 1 });
    onTestFinished(database.close);
    const options = { organizations: new Map([['org_abc', 123]]), operations: new Map(), apply: true };
    const stopped = withLegacySource(old.url, { schema: undefined, timeZone: 'UTC' }, (source) =>
      importHistory(
        database.sql,
        {
          ...source,
          async *portions(organizations) {
            for await (const portion of source.portions(organizations)) {
              yield portion;
              throw new Error('The power is off.');
            }
          },
        },
        options,
      ),
    );
    await expect(stopped).rejects.toThrow('The power is off.');
    expect(await sql`select from sync_logs`).toHaveLength(1_000);
    const both = await Promise.all([1, 2].map(() => importFrom(old.url, databaseUrl, true)));
    expect(
      both.flatMap(({ organizations }) => organizations.map(({ copied }) => copied)).reduce((a, b) => a + b),
    ).toBe(1_500);
    expect(await sql`select count(*)::int, count(distinct started_at)::int as times from sync_logs`).toEqual([
      { count: 2_500, times: 2_500 },
    ]);
    expect(await sql`select count(*)::int from sync_events`).toEqual([{ count: 3 }]);
  });
});
