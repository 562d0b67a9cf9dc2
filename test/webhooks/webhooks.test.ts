/** Webhooks from a real server to real receivers, verified by the specification's own library. */
import { Webhook as Verifier } from 'standardwebhooks';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { CreatedWebhook, WebhookDeliveryList, WebhookList, WebhookMessage } from '#contract/webhook.ts';
import { openDatabase } from '../../src/database/open.ts';
import { releaseFromFuture } from '../../src/webhooks/outbox.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Received, startReceiver } from './support/receiver.ts';

const LOOPBACK = { config: { webhooksMayLoopBack: true } };

async function register(server: TestServer, url: string, events?: string[]): Promise<CreatedWebhook> {
  const response = await server.api('/organizations/123/webhooks', {
    method: 'POST',
    body: JSON.stringify({ url, events }),
  });
  expect(response.status).toBe(201);
  return CreatedWebhook.parse(await response.json());
}

function verify(secret: string, { headers, body }: Received): WebhookMessage {
  const named = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  return WebhookMessage.parse(new Verifier(secret).verify(body, named));
}

async function deliveries(server: TestServer, id: number) {
  const response = await server.api(`/organizations/123/webhooks/${id}/deliveries`);
  return WebhookDeliveryList.parse(await response.json()).deliveries;
}

/** Waits for a fact: the outbox is looked into twice a second. */
const eventually = <T>(fact: () => Promise<T>) => vi.waitFor(fact, { timeout: 20_000, interval: 20 });

const start = (server: TestServer) => server.api('/cliniko/sync-all/123', { method: 'POST' });

describe('a sync that ends', () => {
  test('is sent once, signed, with ids and counts', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { ...LOOPBACK, patients: 30 });
    const receiver = await startReceiver(204);
    const { secret, id } = await register(server, receiver.url);
    await start(server);

    const [first] = await receiver.until(1);
    if (first === undefined) throw new Error('Nothing came.');
    const message = verify(secret, first);
    expect(message).toMatchObject({
      type: 'sync.completed',
      data: { organization_id: 123, operation_type: 'full_patients', records_processed: 30, missing_held: 0 },
    });
    expect(() => verify(`whsec_${Buffer.alloc(32).toString('base64')}`, first)).toThrow();
    await eventually(async () => {
      expect(await deliveries(server, id)).toMatchObject([
        { message_id: first.headers['webhook-id'], state: 'delivered', attempts: 1, last_status: 204 },
      ]);
    });
    expect(receiver.received).toHaveLength(1);
  });

  test('in failure is sent as a failure, with its error code', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, LOOPBACK);
    const receiver = await startReceiver(200);
    const { secret } = await register(server, receiver.url, ['sync.failed']);
    await server.api('/organizations/123/cliniko-credentials', {
      method: 'PUT',
      body: '{"api_key": "wrong-au1"}',
    });
    await start(server);

    const [first] = await receiver.until(1);
    expect(first && verify(secret, first)).toMatchObject({
      type: 'sync.failed',
      data: { status: 'failed', error_type: 'CLINIKO_AUTH_FAILED' },
    });
  });

  test('of another program is sent too, with counts and without any other value that it wrote', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, LOOPBACK);
    const receiver = await startReceiver(200);
    const { secret } = await register(server, receiver.url);
    const { sql, close } = openDatabase(databaseUrl);
    onTestFinished(close);
    const metadata = JSON.stringify({ error_type: 'Jane Doe', missing_held: 7, note: 'Jane Doe' });
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at, metadata)
      values (123, 'Jane Doe', 'completed', now(), now(), ${metadata}::text::jsonb)`;

    const received = await receiver.until(2);
    const messages = received.map((one) => verify(secret, one));
    expect(messages.map(({ type }) => type).sort()).toEqual(['sync.completed', 'sync.held']);
    expect(messages[0]?.data).toMatchObject({ operation_type: 'other', error_type: null, missing_held: 7 });
    expect(received.map(({ body }) => body).join()).not.toContain('Jane');

    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (123, 'patient_sync', 'cancelled', now())`;
    const [cancelled] = (await receiver.until(3)).slice(2);
    expect(cancelled && verify(secret, cancelled)).toMatchObject({
      type: 'sync.failed',
      data: { status: 'failed', error_type: 'SYNC_CANCELLED' },
    });
  });
});

describe('a receiver that does not take it', () => {
  test('is sent the same message again, later, under the same id', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { ...LOOPBACK, patients: 10 });
    const receiver = await startReceiver(500, 204);
    const { secret, id } = await register(server, receiver.url);
    await start(server);
    await receiver.until(1);
    const [waiting] = await eventually(async () => {
      const found = await deliveries(server, id);
      expect(found).toMatchObject([
        { state: 'pending', attempts: 1, last_status: 500, last_error: 'HTTP 500' },
      ]);
      return found;
    });
    const delay = Date.parse(waiting?.next_attempt_at ?? '') - Date.now();
    expect(delay).toBeGreaterThan(1_000);
    expect(delay).toBeLessThan(5_600);
    await makeDue(databaseUrl);

    const [first, second] = await receiver.until(2);
    if (first === undefined || second === undefined) throw new Error('One is missing.');
    expect(second.headers['webhook-id']).toBe(first.headers['webhook-id']);
    expect(second.body).toBe(first.body);
    expect(verify(secret, second)).toEqual(verify(secret, first));
    await eventually(async () =>
      expect(await deliveries(server, id)).toMatchObject([{ state: 'delivered', last_error: null }]),
    );

    // In quiet hours, two hours before their end.
    const wall = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
    const quiet = JSON.stringify({ from: wall(-2), to: wall(2), time_zone: 'UTC' });
    const sql = connectInTest(databaseUrl);
    await sql`update webhook_endpoints set quiet_hours = ${quiet}::text::jsonb`;
    receiver.answers.push(500);
    await sql`insert into webhook_deliveries (endpoint_id, organization_id, message_id, event, body)
      select id, organization_id, 'msg_quiet', 'sync.failed', '{}' from webhook_endpoints`;
    await receiver.until(3);
    await eventually(async () => {
      const [putOff] = await deliveries(server, id);
      expect(putOff).toMatchObject({ state: 'pending', last_status: 500 });
      expect(Date.parse(putOff?.next_attempt_at ?? '')).toBeGreaterThan(Date.now() + 3_600_000);
    });
  });

  test('is retried in time when the clock of the database is set back', async ({ databaseUrl }) => {
    const { sql, close } = openDatabase(databaseUrl);
    onTestFinished(close);
    await sql`insert into organizations (id, country, time_zone, validation) values (123, 'AU', 'UTC', '{}')`;
    await sql`insert into webhook_endpoints (organization_id, url, sealed_secret, events)
      values (123, 'https://example.com/', 'x', '{}')`;
    const inMinutes = async (attempts: number, status: number | null, minutes: number) => {
      await sql`
        insert into webhook_deliveries (endpoint_id, organization_id, sync_log_id, event, message_id, body, attempts,
          last_status, next_attempt_at)
        select id, organization_id, 1, 'sync.completed', 'x', '{}', ${attempts}, ${status},
          now() + make_interval(mins => ${minutes}) from webhook_endpoints`;
      await releaseFromFuture(sql);
      const [row] = await sql<{ released: boolean }[]>`
        delete from webhook_deliveries returning next_attempt_at <= clock_timestamp() as released`;
      return row?.released;
    };
    // Longer than each delay that the attempt can have: written while the clock was an hour ahead.
    expect(await inMinutes(1, 500, 60)).toBe(true);
    expect(await inMinutes(2, 500, 65)).toBe(true);
    expect(await inMinutes(3, null, 61)).toBe(true);
    expect(await inMinutes(1, 503, 27 * 60)).toBe(true);
    expect(await inMinutes(0, null, 60)).toBe(true);
    // A limit of the rate, which the receiver cannot have set for so long.
    await sql`update webhook_endpoints set resume_at = now() + interval '27 hours'`;
    await releaseFromFuture(sql);
    expect(await sql`select 1 from webhook_endpoints where resume_at is not null`).toHaveLength(0);
    // A delay of ours, a claim, a delay that the receiver requested.
    expect(await inMinutes(2, 500, 5)).toBe(false);
    expect(await inMinutes(1, null, 1)).toBe(false);
    expect(await inMinutes(1, 429, 20 * 60)).toBe(false);
    expect(await inMinutes(9, 500, 26 * 60)).toBe(false);
    // One that waits for the end of quiet hours.
    await sql`update webhook_endpoints set quiet_hours = '{}'`;
    expect(await inMinutes(1, 500, 9 * 60)).toBe(false);
  });

  test('by a redirect is not followed anywhere', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { ...LOOPBACK, patients: 10 });
    const elsewhere = await startReceiver(200);
    const receiver = await startReceiver({ status: 307, headers: { location: elsewhere.url } });
    const { id } = await register(server, receiver.url);
    await start(server);
    await eventually(async () =>
      expect(await deliveries(server, id)).toMatchObject([{ state: 'pending', last_error: 'HTTP 307' }]),
    );
    expect(elsewhere.received).toEqual([]);
  });

  test('that answers 410 gets no further delivery until a test arrives or its settings change', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { ...LOOPBACK, patients: 10 });
    const receiver = await startReceiver(410);
    const { id } = await register(server, receiver.url);
    await start(server);
    const isDisabled = async () => {
      const { webhooks } = WebhookList.parse(await (await server.api('/organizations/123/webhooks')).json());
      return webhooks.map(({ disabled_at }) => disabled_at !== null);
    };
    await eventually(async () => expect(await isDisabled()).toEqual([true]));
    expect(await deliveries(server, id)).toMatchObject([{ state: 'given_up', attempts: 1 }]);

    receiver.answers.push(204, 410);
    const sendTest = () => server.api(`/webhooks/${id}/test`, { method: 'POST' });
    await sendTest();
    await eventually(async () =>
      expect((await deliveries(server, id))[0]).toMatchObject({ state: 'delivered' }),
    );
    expect(await isDisabled()).toEqual([false]);
    await sendTest();
    await eventually(async () => expect(await isDisabled()).toEqual([true]));
    const sql = connectInTest(databaseUrl);
    await sql`update webhook_endpoints set silent_since = now(), resume_at = now() + interval '1 hour'`;
    await server.api(`/webhooks/${id}`, { method: 'PUT', body: '{"digest": false}' });
    expect(await isDisabled()).toEqual([false]);
    expect(await sql`select silent_since, resume_at from webhook_endpoints`).toEqual([
      { silent_since: null, resume_at: null },
    ]);
  });

  test('has no further try after the last attempt, and the log reports it', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { ...LOOPBACK, patients: 10 });
    const receiver = await startReceiver(503);
    const { id } = await register(server, receiver.url);
    await start(server);
    await receiver.until(1);
    await eventually(async () => expect(await deliveries(server, id)).toMatchObject([{ last_status: 503 }]));
    await makeDue(databaseUrl, 9);
    await eventually(async () =>
      expect(await deliveries(server, id)).toMatchObject([{ state: 'given_up', attempts: 10 }]),
    );
    expect(server.logged()).toContain('A webhook delivery failed, and there is no further try');
  });

  test('while this server stops is sent it by the next one, and no attempt is lost', async ({
    databaseUrl,
  }) => {
    const first = await startTestServer(databaseUrl, { ...LOOPBACK, patients: 10 });
    const receiver = await startReceiver('hang', 200);
    const { id, secret } = await register(first, receiver.url);
    await start(first);
    await receiver.until(1);
    await first.stop();
    const second = await startTestServer(databaseUrl, { ...LOOPBACK, organizations: [] });

    const received = await receiver.until(2);
    expect(received[1] && verify(secret, received[1])).toMatchObject({ type: 'sync.completed' });
    await eventually(async () =>
      expect(await deliveries(second, id)).toMatchObject([{ state: 'delivered', attempts: 1 }]),
    );
  });
});

describe('two servers', () => {
  test('share one outbox and send each message once', async ({ databaseUrl }) => {
    const receiver = await startReceiver(200);
    const server = await startTestServer(databaseUrl, LOOPBACK);
    await startTestServer(databaseUrl, { ...LOOPBACK, organizations: [], cliniko: server.cliniko });
    const { id } = await register(server, receiver.url);
    const { sql, close } = openDatabase(databaseUrl);
    onTestFinished(close);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      select 123, 'by_hand', 'failed', now() from generate_series(1, 40)`;
    await eventually(async () => {
      const [row] = await sql<{ count: number }[]>`
          select count(*)::int as count from webhook_deliveries where endpoint_id = ${id} and state = 'delivered'`;
      expect(row?.count).toBe(40);
    });
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(ids).toHaveLength(40);
    expect(new Set(ids).size).toBe(40);
  });
});

describe('an endpoint', () => {
  test('is listed without its sealed secret, and its pending deliveries are deleted with it', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, LOOPBACK);
    const created = await register(server, 'https://example.com/hooks', ['sync.held']);
    const listed = await (await server.api('/organizations/123/webhooks')).text();
    expect(WebhookList.parse(JSON.parse(listed)).webhooks).toMatchObject([
      { id: created.id, url: 'https://example.com/hooks', events: ['sync.held'], disabled_at: null },
    ]);
    expect(listed).not.toContain('whsec_');
    const { sql, close } = openDatabase(databaseUrl);
    onTestFinished(close);
    const [row] = await sql`select sealed_secret from webhook_endpoints`;
    expect(row?.sealed_secret).toMatch(/^v1\./);
    expect(server.logged()).not.toContain(created.secret);

    const path = `/organizations/123/webhooks/${created.id}`;
    expect((await server.api(path.replace('123', '124'), { method: 'DELETE' })).status).toBe(404);
    expect((await server.api(`${path.replace('123', '124')}/deliveries`)).status).toBe(404);
    expect((await server.api(path, { method: 'DELETE' })).status).toBe(204);
    expect((await server.api(path, { method: 'DELETE' })).status).toBe(404);
    const details = { webhook_id: created.id, host: 'example.com' };
    expect(
      await sql`select action, details from audit_log where action like 'webhook.%' order by id`,
    ).toEqual([
      { action: 'webhook.create', details },
      { action: 'webhook.delete', details },
    ]);
  });
});

/** Lets time pass: what waits for its next attempt is due now. @param attempts pretends that so many have failed */
async function makeDue(databaseUrl: string, attempts?: number): Promise<void> {
  const { sql, close } = openDatabase(databaseUrl);
  await sql`update webhook_deliveries
    set next_attempt_at = now(), attempts = coalesce(${attempts ?? null}::int, attempts) where state = 'pending'`;
  await close();
}
