/** Notifications for people, from a real server to services that refuse what Slack, Teams and Discord refuse. */
import { describe, expect, vi } from 'vitest';
import { WebhookDeliveryList } from '#contract/webhook.ts';
import {
  CreatedWebhookEndpoint,
  type NewWebhookEndpoint,
  WebhookEndpoint,
} from '#contract/webhook-endpoint.ts';
import { connectInTest, test } from '../support/database.ts';
import { putJson, startTestServer, type TestServer } from '../support/server.ts';
import { startChatService } from './support/chat-services.ts';
import { startMailServer } from './support/mail-server.ts';

const LOOPBACK = { webhooksMayLoopBack: true };
const eventually = <T>(fact: () => Promise<T>) => vi.waitFor(fact, { timeout: 20_000, interval: 20 });
const send = (method: string, body?: object): RequestInit => ({
  method,
  ...(body && { body: JSON.stringify(body) }),
});

async function register(server: TestServer, endpoint: NewWebhookEndpoint): Promise<CreatedWebhookEndpoint> {
  const response = await server.api('/webhooks', send('POST', endpoint));
  expect(response.status, await response.clone().text()).toBe(201);
  return CreatedWebhookEndpoint.parse(await response.json());
}

async function deliveriesOf(server: TestServer, id: number) {
  return WebhookDeliveryList.parse(await (await server.api(`/webhooks/${id}/deliveries`)).json()).deliveries;
}

/** A run that ended, written by another program, with the name of a patient wherever a program may write. */
function endRun(
  sql: ReturnType<typeof connectInTest>,
  organizationId: number,
  metadata: object,
  error: string,
) {
  const everything = JSON.stringify({ note: 'Jane Doe', errors: ['Jane Doe'], ...metadata });
  return sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at, metadata, error_details,
      records_processed, records_success)
    values (${organizationId}, 'full_patients', ${error === '' ? 'completed' : 'failed'}, now() at time zone 'utc',
      now() at time zone 'utc', ${everything}::text::jsonb, ${error || null}, 1944, 1944) returning id`;
}

const UNAVAILABLE = { error_type: 'CLINIKO_UNAVAILABLE' };
const ANSWERED_503 = 'Jane Doe: Cliniko did not answer properly (HTTP 503)';

describe('a sync that ends', () => {
  test('is one line with a link in each chat, whatever the clinic is called, without a word of a patient', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { config: LOOPBACK });
    const name = 'Smith & Sons <!channel> *[Physio](https://x.example)* @everyone';
    await putJson(server.api, '/organizations/123', { name });
    const sql = connectInTest(databaseUrl);
    const slack = await startChatService('slack');
    const teams = await startChatService('teams');
    const discord = await startChatService('discord');
    const { id } = await register(server, { kind: 'slack', url: slack.url, organizations: '*' });
    await register(server, { kind: 'teams', url: teams.url, organizations: [123] });
    await register(server, {
      kind: 'discord',
      url: discord.url,
      organizations: [123],
      events: ['sync.completed', 'sync.failed', 'sync.held'],
    });
    const [run] = await endRun(sql, 123, UNAVAILABLE, ANSWERED_503);

    const text = `${name}: sync failed: Cliniko answered 503`;
    const link = `${server.url}/?org=123&run=${run?.id}`;
    expect(await slack.until(1)).toEqual([`${text} [Open](${link})`]);
    expect(await teams.until(1)).toEqual([`${text} [Open](${link})`]);
    expect(await discord.until(1)).toEqual([`${text} ${link}`]);

    await endRun(sql, 123, { missing_held: 64 }, '');
    expect((await discord.until(3)).slice(1).sort()).toEqual([
      expect.stringMatching(/: 64 patients are missing in Cliniko: confirm that they are gone http/),
      expect.stringMatching(/: sync completed: 1,944 of 1,944 patients stored http/),
    ]);
    // People are asked to act by default, and not told that all is well.
    expect(await slack.until(2)).toEqual([
      expect.anything(),
      expect.stringContaining('64 patients are missing'),
    ]);
    for (const { bytes } of [slack, teams, discord]) expect(bytes.join()).not.toContain('Jane');

    await eventually(async () =>
      expect((await deliveriesOf(server, id))[0]).toMatchObject({ state: 'delivered' }),
    );
    const sent = await server.api(`/webhooks/${id}/test`, { method: 'POST' });
    expect(sent.status).toBe(202);
    expect(await slack.until(3)).toContain(
      `Test of Patient Sync: notifications arrive here [Open](${server.url}/ops)`,
    );
    const [newest] = await eventually(async () => {
      const found = await deliveriesOf(server, id);
      expect(found[0]).toMatchObject({ event: 'test', state: 'delivered', last_status: 200 });
      return found;
    });
    const again = await server.api(`/webhooks/${id}/deliveries/${newest?.id}/redeliver`, { method: 'POST' });
    expect(await again.json()).toMatchObject({ id: newest?.id, state: 'pending', attempts: 0 });
    expect((await slack.until(4)).at(3)).toBe(slack.shown.at(2));
    expect((await server.api(`/webhooks/${id}/deliveries/999999/redeliver`, { method: 'POST' })).status).toBe(
      404,
    );
  });
});

describe('an address', () => {
  test('gets an email, again after a passing refusal, and none after its mail server refused it', async ({
    databaseUrl,
  }) => {
    const mail = await startMailServer();
    const from = { name: '', address: 'sync@example.com' };
    const { port } = mail;
    const server = await startTestServer(databaseUrl, {
      config: {
        publicUrl: 'https://sync.example.com/sync',
        mail: { host: '127.0.0.1', port, isSecure: false, requiresTls: false, auth: undefined, from },
      },
    });
    const sql = connectInTest(databaseUrl);
    // Another program may have written it.
    await sql`update organizations set name = ${'Clinic\r\nBcc: victim@example.com'}`;
    const created = await register(server, { email: 'ops@example.com', organizations: [123] });
    expect(created).toMatchObject({ kind: 'email', url: null, email: 'ops@example.com', secret: null });
    mail.refuses.recipient = [451, 250];
    const [run] = await endRun(sql, 123, UNAVAILABLE, ANSWERED_503);
    await eventually(async () =>
      expect(await deliveriesOf(server, created.id)).toMatchObject([{ state: 'pending', last_status: 451 }]),
    );
    await sql`update webhook_deliveries set next_attempt_at = now() where state = 'pending'`;
    const [email] = await mail.until(1);
    expect(email).toMatchObject({ from: from.address, to: ['ops@example.com'] });
    expect(email?.headers).toMatchObject({
      subject: 'Clinic Bcc: victim@example.com: sync failed: Cliniko answered 503',
    });
    expect(email?.headers.bcc).toBeUndefined();
    expect(email?.text).toContain(`https://sync.example.com/sync/?org=123&run=${run?.id}`);
    expect(email?.raw).not.toContain('Jane');

    mail.refuses.recipient = [550];
    await server.api(`/webhooks/${created.id}/test`, { method: 'POST' });
    await eventually(async () =>
      expect((await deliveriesOf(server, created.id))[0]).toMatchObject({
        event: 'test',
        state: 'given_up',
        attempts: 1,
        last_error: 'The mail server refused the recipient (550): correct the address.',
      }),
    );
    expect(mail.received).toHaveLength(1);
  });
});

describe('a service', () => {
  test('that limits its rate is left alone for as long as it asks', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { config: LOOPBACK });
    const sql = connectInTest(databaseUrl);
    const slack = await startChatService('slack');
    const { id } = await register(server, { kind: 'slack', url: slack.url, organizations: '*' });
    slack.next.push({ status: 429, headers: { 'retry-after': '30' } });
    await endRun(sql, 123, UNAVAILABLE, ANSWERED_503);
    await eventually(async () =>
      expect(await deliveriesOf(server, id)).toMatchObject([{ last_status: 429 }]),
    );
    await endRun(sql, 123, UNAVAILABLE, ANSWERED_503);
    const [waiting] = await eventually(async () => {
      const found = await deliveriesOf(server, id);
      expect(found).toMatchObject([{ attempts: 0 }, { last_status: 429, attempts: 1 }]);
      return sql`select extract(epoch from resume_at - now())::float8 as seconds from webhook_endpoints`;
    });
    expect(waiting?.seconds).toBeGreaterThan(1);
    expect(waiting?.seconds).toBeLessThanOrEqual(30);
    expect(slack.bytes).toHaveLength(1);

    await sql`update webhook_endpoints set resume_at = now()`;
    await slack.until(1);
    await sql`update webhook_deliveries set next_attempt_at = now() where state = 'pending'`;
    await slack.until(2);
  });

  test('that does not know the address ends the delivery with a reason, and is tried no more', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { config: LOOPBACK });
    const discord = await startChatService('discord');
    const { id } = await register(server, {
      kind: 'discord',
      url: discord.url.replace('secret', 'wrong'),
      organizations: [123],
    });
    await server.api(`/webhooks/${id}/test`, { method: 'POST' });
    await eventually(async () =>
      expect(await deliveriesOf(server, id)).toMatchObject([
        {
          state: 'given_up',
          attempts: 1,
          last_error: expect.stringMatching(/^HTTP 404: .*create another incoming/),
        },
      ]),
    );
    // The address is corrected, and the message sent again.
    const changed = await server.api(`/webhooks/${id}`, send('PUT', { url: discord.url }));
    expect(WebhookEndpoint.parse(await changed.json())).toMatchObject({ kind: 'discord', url: discord.url });
    const [given] = await deliveriesOf(server, id);
    await server.api(`/webhooks/${id}/deliveries/${given?.id}/redeliver`, { method: 'POST' });
    await discord.until(1);
  });
});
