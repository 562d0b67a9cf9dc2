/** Notices become messages: one for each event, one for many that have one cause, one after quiet hours. */
import type { Sql } from 'postgres';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { WebhookMessage } from '#contract/webhook.ts';
import type { QuietHours, WebhookKind } from '#contract/webhook-endpoint.ts';
import { openDatabase } from '../../src/database/open.ts';
import { eraseOrganization } from '../../src/erasure/erase-organization.ts';
import { enqueueNotices } from '../../src/webhooks/notices.ts';
import { removeEndpoint } from '../../src/webhooks/store-endpoint.ts';
import { connectInTest, test } from '../support/database.ts';

const EVENTS = ['sync.completed', 'sync.failed', 'sync.held', 'sync.overdue'];

async function addClinics(sql: Sql, count: number): Promise<void> {
  await sql`insert into organizations (id, name, country, time_zone, validation)
    select id, 'Clinic ' || id, 'AU', 'UTC', '{}' from generate_series(1, ${count}) as id`;
}

interface Wanted {
  kind?: WebhookKind;
  digest?: boolean;
  quietHours?: QuietHours;
}

async function addEndpoint(sql: Sql, { kind = 'slack', digest = false, quietHours }: Wanted): Promise<void> {
  await sql`insert into webhook_endpoints (kind, url, sealed_secret, events, digest, quiet_hours, address)
    values (${kind}, 'https://example.com', '', ${EVENTS}::text[], ${digest},
      ${quietHours ? JSON.stringify(quietHours) : null}::text::jsonb, 'https://sync.example.com')`;
}

async function fail(sql: Sql, from: number, to: number, type: string, details: string): Promise<void> {
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at, metadata, error_details)
    select id, 'full_patients', 'failed', now() at time zone 'utc', jsonb_build_object('error_type', ${type}::text), ${details}
    from generate_series(${from}::int, ${to}::int) as id`;
}

/** Lets time pass for what waits. */
const age = (sql: Sql, minutes: number) =>
  sql`update webhook_notices set created_at = created_at - make_interval(mins => ${minutes})`;

/** A test that expects none fails. */
const onFailed = (error: unknown): void => {
  throw error;
};

async function send(sql: Sql, now?: Date): Promise<{ event: string; text: string; body: string }[]> {
  await enqueueNotices(sql, { publicUrl: undefined, onFailed, ...(now && { now }) });
  const rows = await sql<
    { event: string; body: string }[]
  >`delete from webhook_deliveries returning event, body`;
  return rows.map((row) => ({ ...row, text: String(JSON.parse(row.body).text) }));
}

const isWaiting = (sql: Sql) =>
  vi.waitFor(
    async () =>
      expect(
        await sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      ).toHaveLength(1),
    { timeout: 20_000, interval: 20 },
  );

const textsOf = (messages: { text: string }[]) => messages.map(({ text }) => text);
const LINK = '<https://sync.example.com/ops|Open>';

describe('a digest', () => {
  test('says in one line that many clinics failed for one cause, and in another what failed for another', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    await addClinics(sql, 20);
    await addEndpoint(sql, { digest: true });
    await fail(sql, 1, 13, 'CLINIKO_UNAVAILABLE', 'Cliniko did not answer properly (HTTP 503)');
    await age(sql, 3);
    await fail(sql, 14, 14, 'CLINIKO_AUTH_FAILED', 'Cliniko API authentication failed');
    expect(await send(sql)).toEqual([]);
    await age(sql, 3);
    const [run] = await sql`select id from sync_logs where organization_id = 14`;
    const [message, ...others] = await send(sql);
    expect(others).toEqual([]);
    expect(message).toMatchObject({
      event: 'digest',
      text: [
        `13 clinics failed: Cliniko answered 503 ${LINK}`,
        `Clinic 14: sync failed: Cliniko refused the API key <https://sync.example.com/?org=14&amp;run=${run?.id}|Open>`,
      ].join('\n'),
    });
    expect(await sql`select 1 from webhook_notices`).toHaveLength(0);
  });

  test('counts every clinic, however many failed, and cuts no character of a name in half', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    await addClinics(sql, 700);
    await addEndpoint(sql, { digest: true });
    await fail(sql, 1, 700, 'CLINIKO_UNAVAILABLE', '');
    await sql`update organizations set name = ${`${'x'.repeat(78)}🏥🏥🏥`} where id = 1`;
    await fail(sql, 1, 1, 'INTERNAL_ERROR', '');
    await age(sql, 6);
    const [message, ...others] = await send(sql);
    expect(others).toEqual([]);
    expect(message?.text.split('\n')).toEqual([
      `700 clinics failed: Cliniko did not answer ${LINK}`,
      expect.stringContaining(`${'x'.repeat(78)}🏥…: sync failed`),
    ]);
  });

  test('of a single failure is that failure, and a clinic that fails twice is one clinic', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    await addClinics(sql, 1);
    await addEndpoint(sql, { digest: true });
    await fail(sql, 1, 1, 'CLINIKO_UNAVAILABLE', 'No connection');
    await age(sql, 6);
    expect(await send(sql)).toMatchObject([
      {
        event: 'sync.failed',
        text: expect.stringContaining('Clinic 1: sync failed: Cliniko did not answer <'),
      },
    ]);
    await fail(sql, 1, 1, 'SYNC_INTERRUPTED', '');
    await fail(sql, 1, 1, 'SYNC_INTERRUPTED', '');
    await age(sql, 6);
    expect(textsOf(await send(sql))).toEqual([
      expect.stringContaining('Clinic 1: sync failed 2 times: the sync was interrupted <'),
    ]);
  });

  test('waits for no notice that was written while the clock of the database was ahead', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    await addClinics(sql, 2);
    await addEndpoint(sql, { digest: true });
    await fail(sql, 1, 1, 'CLINIKO_UNAVAILABLE', '');
    await age(sql, -60 * 24 * 365);
    await fail(sql, 2, 2, 'CLINIKO_UNAVAILABLE', '');
    expect(textsOf(await send(sql))).toEqual([`2 clinics failed: Cliniko did not answer ${LINK}`]);
  });

  test('counts every notice of a long night', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await addClinics(sql, 700);
    await addEndpoint(sql, { digest: true });
    await fail(sql, 1, 700, 'CLINIKO_UNAVAILABLE', '(HTTP 503)');
    await fail(sql, 1, 600, 'SYNC_INTERRUPTED', '');
    await age(sql, 6);
    const [message] = await send(sql);
    expect(message?.text.split('\n')).toEqual([
      `700 clinics failed: Cliniko answered 503 ${LINK}`,
      `600 clinics failed: the sync was interrupted ${LINK}`,
    ]);
  });

  test('for a program holds each message as it would have come', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await addClinics(sql, 3);
    await addEndpoint(sql, { kind: 'standard', digest: true });
    await fail(sql, 1, 3, 'CLINIKO_UNAVAILABLE', '');
    await age(sql, 6);
    const [message] = await send(sql);
    const digest = WebhookMessage.parse(JSON.parse(message?.body ?? ''));
    if (digest.type !== 'digest') throw new Error('It is no digest.');
    expect(digest.data.messages.map(({ type, data }) => [type, data.organization_id])).toEqual([
      ['sync.failed', 1],
      ['sync.failed', 2],
      ['sync.failed', 3],
    ]);
  });
});

describe('without a digest', () => {
  test('each event is a message of its own', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await addClinics(sql, 2);
    await addEndpoint(sql, {});
    await fail(sql, 1, 2, 'INTERNAL_ERROR', '');
    expect(await send(sql)).toMatchObject([{ event: 'sync.failed' }, { event: 'sync.failed' }]);
    expect(await send(sql)).toEqual([]);
  });
});

describe('quiet hours', () => {
  test('keep messages until they end, and then they come as one', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await addClinics(sql, 30);
    const hours = { from: '22:00', to: '06:00', time_zone: 'Australia/Sydney' };
    await addEndpoint(sql, { quietHours: hours });
    await addEndpoint(sql, { kind: 'standard', quietHours: hours });
    await fail(sql, 1, 2, 'CLINIKO_UNAVAILABLE', '(HTTP 502)');
    const night = '2026-01-10T13:30:00Z';
    // One came just before they began, and no server had made a message of it.
    await sql`update webhook_notices set created_at = case when organization_id = 1 then timestamptz '2026-01-10T10:59:59Z' else ${night}::timestamptz end`;
    expect(await send(sql, new Date(night))).toEqual([]);
    expect(await send(sql, new Date('2026-01-10T18:59:00Z'))).toEqual([]);
    // One more comes after their end, and is a message of its own.
    await sql`insert into webhook_notices (endpoint_id, organization_id, event, body, created_at)
      values (1, 30, 'sync.overdue', '{"data": {"last_success_at": null}}', '2026-01-10T19:00:10Z')`;
    const sent = await send(sql, new Date('2026-01-10T19:00:30Z'));
    expect(sent.map(({ event }) => event).sort()).toEqual(['digest', 'digest', 'sync.overdue']);
    expect(textsOf(sent)).toContain(`2 clinics failed: Cliniko answered 502 ${LINK}`);
    expect(textsOf(sent)).toContain(
      'Clinic 30: overdue, no sync has succeeded yet <https://sync.example.com/?org=30|Open>',
    );
  });
});

describe('an endpoint whose notices cannot be read', () => {
  test('keeps them, and delays no other', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await addClinics(sql, 1);
    await addEndpoint(sql, {});
    await addEndpoint(sql, {});
    await addEndpoint(sql, { quietHours: { from: '22:00', to: '06:00', time_zone: 'No/Such_Zone' } });
    await sql`insert into webhook_notices (endpoint_id, organization_id, event, body, created_at)
      values (1, 1, 'sync.failed', 'no JSON', now() - interval '1 hour'),
        (3, 1, 'sync.failed', '{"data": {}}', now() - interval '2 hours')`;
    await sql`insert into webhook_notices (endpoint_id, organization_id, event, body)
      values (2, 1, 'sync.overdue', '{"data": {}}')`;
    const failures: unknown[] = [];
    await enqueueNotices(sql, { publicUrl: undefined, onFailed: (error) => void failures.push(error) });
    expect(failures).toHaveLength(2);
    expect(await sql`select endpoint_id from webhook_deliveries`).toEqual([{ endpoint_id: 2 }]);
    expect(await sql`select endpoint_id from webhook_notices order by 1`).toEqual([
      { endpoint_id: 1 },
      { endpoint_id: 3 },
    ]);
  });
});

describe('an erasure of an organization', () => {
  test('waits for the messages that are being made of its notices, and holds none of these before', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl, { max: 3 });
    await addClinics(sql, 2);
    await addEndpoint(sql, {});
    await sql`update webhook_endpoints set organizations = '{1,2}'`;
    await fail(sql, 1, 2, 'INTERNAL_ERROR', '');
    const database = openDatabase(databaseUrl, { max: 2 });
    onTestFinished(() => database.close());
    const started = await sql.begin(async (tx) => {
      await tx`select 1 from webhook_endpoints for no key update`;
      const erasure = eraseOrganization(database, 2, { actor: 'test', requestId: 'test' });
      await isWaiting(sql);
      // It holds none of them yet. A deadlock would end either, and the server would repeat it.
      expect(await tx`select 1 from webhook_notices for update nowait`).toHaveLength(2);
      return { erasure };
    });
    expect(await started.erasure).toMatchObject({ organization_id: 2, dry_run: false });
    expect(await sql`select organizations from webhook_endpoints`).toEqual([{ organizations: [1] }]);
  });
});

describe('a run that ends while an endpoint is being deleted', () => {
  test('ends, and the other endpoints get their messages', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl, { max: 3 });
    await addClinics(sql, 1);
    await addEndpoint(sql, { kind: 'standard' });
    await addEndpoint(sql, { kind: 'standard' });
    await addEndpoint(sql, {});
    const started = await sql.begin(async (tx) => {
      await removeEndpoint(tx, 1);
      const end = fail(sql, 1, 1, 'INTERNAL_ERROR', '');
      await isWaiting(sql);
      return { end };
    });
    await started.end;
    expect(await sql`select endpoint_id from webhook_deliveries`).toEqual([{ endpoint_id: 2 }]);
    expect(await sql`select endpoint_id from webhook_notices`).toEqual([{ endpoint_id: 3 }]);
  });
});

describe('two servers', () => {
  test('make one message of the same notices', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await addClinics(sql, 50);
    await addEndpoint(sql, { digest: true });
    await fail(sql, 1, 50, 'CLINIKO_UNAVAILABLE', '');
    await age(sql, 6);
    await Promise.all(
      [1, 2, 3].map(() => enqueueNotices(sql, { publicUrl: 'https://here.example', onFailed })),
    );
    const rows = await sql<
      { body: string; organizations: number[] }[]
    >`select body, organizations from webhook_deliveries`;
    expect(rows).toHaveLength(1);
    expect(rows[0]?.body).toContain(
      '50 clinics failed: Cliniko did not answer <https://here.example/ops|Open>',
    );
    expect(rows[0]?.organizations).toHaveLength(50);
  });
});
