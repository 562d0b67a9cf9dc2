/** The routes of `/api/v1/webhooks`: settings, and who sees and changes them. */
import { Webhook as Verifier } from 'standardwebhooks';
import { describe, expect, vi } from 'vitest';
import { Problem } from '#contract/problem.ts';
import { WebhookDeliveryList, WebhookList } from '#contract/webhook.ts';
import {
  CreatedWebhookEndpoint,
  type NewWebhookEndpoint,
  WebhookEndpoint,
  WebhookEndpointList,
} from '#contract/webhook-endpoint.ts';
import { OURS, startGuardedServer, THEIRS } from '../access/support/guarded-server.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { startReceiver } from './support/receiver.ts';

const send = (method: string, body?: object): RequestInit => ({
  method,
  ...(body && { body: JSON.stringify(body) }),
});

async function register(server: TestServer, endpoint: NewWebhookEndpoint): Promise<CreatedWebhookEndpoint> {
  const response = await server.api('/webhooks', send('POST', endpoint));
  expect(response.status).toBe(201);
  return CreatedWebhookEndpoint.parse(await response.json());
}

describe('an administrator of one organization', () => {
  test('sees and manages the endpoints within it, and no others', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const mine = await server.token({ scope: 'admin' });
    const both = await server.token({ scope: 'admin', organizations: [OURS, THEIRS] });
    const url = 'https://hooks.slack.com/services/T0/B0/secret';
    const create = (token: string, organizations: unknown) =>
      server.as(token, '/webhooks', send('POST', { kind: 'slack', url, organizations }));
    const seenBy = async (token: string) => {
      const list = WebhookEndpointList.parse(await (await server.as(token, '/webhooks')).json());
      return list.webhooks.map(({ organizations }) => organizations);
    };
    expect((await create(mine, [OURS])).status).toBe(201);
    expect((await create(both, [THEIRS, OURS])).status).toBe(201);
    expect((await create(server.admin, '*')).status).toBe(201);
    expect((await create(server.admin, [THEIRS])).status).toBe(201);
    expect((await create(mine, [THEIRS])).status).toBe(403);
    expect((await create(mine, [OURS, THEIRS])).status).toBe(403);
    expect(Problem.parse(await (await create(mine, '*')).json())).toMatchObject({ field: 'organizations' });
    expect((await create(server.admin, [OURS, 999])).status).toBe(404);
    expect(await seenBy(mine)).toEqual([[OURS]]);
    expect(await seenBy(both)).toEqual([[OURS], [OURS, THEIRS], [THEIRS]]);
    expect(await seenBy(server.admin)).toEqual([[OURS], [OURS, THEIRS], '*', [THEIRS]]);

    for (const id of [2, 3, 4]) {
      expect((await server.as(mine, `/webhooks/${id}`)).status).toBe(404);
      expect((await server.as(mine, `/webhooks/${id}`, send('PUT', { digest: true }))).status).toBe(404);
      expect((await server.as(mine, `/webhooks/${id}/test`, send('POST'))).status).toBe(404);
      expect((await server.as(mine, `/webhooks/${id}/deliveries`)).status).toBe(404);
      expect((await server.as(mine, `/webhooks/${id}`, send('DELETE'))).status).toBe(404);
    }
    expect((await server.as(mine, '/webhooks/1', send('PUT', { organizations: [THEIRS] }))).status).toBe(403);
    for (const scope of ['read', 'sync'] as const)
      expect((await server.as(await server.token({ scope }), '/webhooks')).status).toBe(403);

    // With the organization, endpoints of several lose only their part in it.
    const { sql } = server.database;
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      select id, 'by_hand', 'failed', now() from organizations`;
    const haveBecomeMessages = async () => expect(await sql`select 1 from webhook_notices`).toHaveLength(0);
    await vi.waitFor(haveBecomeMessages, { timeout: 20_000, interval: 20 });
    const about = () =>
      sql<{ id: number }[]>`select distinct organization_id as id from webhook_deliveries order by 1`;
    expect(await about()).toEqual([{ id: OURS }, { id: THEIRS }]);
    await server.as(server.admin, `/organizations/${THEIRS}`, send('DELETE'));
    expect(await seenBy(server.admin)).toEqual([[OURS], [OURS], '*']);
    expect(await about()).toEqual([{ id: OURS }]);
    // One that was for several is now one of the organization, also in the old list.
    await sql`update webhook_endpoints set kind = 'standard' where id = 2`;
    const old = await (await server.as(mine, `/organizations/${OURS}/webhooks`)).json();
    expect(old.webhooks).toMatchObject([{ id: 2 }]);
    const moved = { kind: 'discord', url: 'https://discord.com/api/webhooks/1/secret', digest: true };
    expect((await server.as(mine, '/webhooks/1', send('PUT', moved))).status).toBe(200);
    expect((await server.as(mine, '/webhooks/1', send('DELETE'))).status).toBe(204);
    const entries = await server.database.sql<{ action: string; details: object }[]>`
      select action, details from audit_log where action like 'webhook.%' order by id`;
    const of = (webhook_id: number, kind: string, host: string) => ({ webhook_id, kind, host });
    expect(entries.map(({ action, details }) => [action, details])).toEqual([
      ...[1, 2, 3, 4].map((id) => ['webhook.create', of(id, 'slack', 'hooks.slack.com')]),
      [
        'webhook.change',
        {
          ...of(1, 'discord', 'discord.com'),
          changed: 'kind, url, digest',
          previous_host: 'hooks.slack.com',
        },
      ],
      ['webhook.delete', of(1, 'discord', 'discord.com')],
    ]);
    // One of several ends with the last of them.
    await server.as(server.admin, `/organizations/${OURS}`, send('DELETE'));
    expect(await seenBy(server.admin)).toEqual(['*']);
  });
});

describe('an endpoint of all organizations that is now for one', () => {
  test('sends and shows its administrator nothing about the others, also of what was sent before', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl, { config: { webhooksMayLoopBack: true } });
    const mine = await server.token({ scope: 'admin' });
    const before = await startReceiver(500);
    const after = await startReceiver(204);
    await server.as(server.admin, '/webhooks', send('POST', { url: before.url, organizations: '*' }));
    const { sql } = server.database;
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      select id, 'by_hand', 'failed', now() from organizations order by id`;
    await before.until(2);
    await sql`insert into webhook_deliveries (endpoint_id, organizations, message_id, event, body, state)
      values (1, ${[OURS, THEIRS]}, 'msg', 'digest', '{}', 'delivered')`;
    // With a digest, or the server makes a message of the notice at once.
    await server.as(server.admin, '/webhooks/1', send('PUT', { digest: true }));
    await sql`insert into webhook_notices (endpoint_id, organization_id, event, body)
      values (1, ${THEIRS}, 'sync.failed', '{}')`;
    const narrowed = await server.as(server.admin, '/webhooks/1', send('PUT', { organizations: [OURS] }));
    expect(narrowed.status).toBe(200);
    expect(await sql`select 1 from webhook_notices`).toHaveLength(0);

    const moved = await server.as(mine, '/webhooks/1', send('PUT', { url: after.url }));
    const about = await sql<{ id: number; organization_id: number | null }[]>`
      select id::int, organization_id from webhook_deliveries order by id`;
    const own = about.find(({ organization_id }) => organization_id === OURS);
    expect(WebhookEndpoint.parse(await moved.json()).latest).toMatchObject({ id: own?.id });
    const list = WebhookDeliveryList.parse(await (await server.as(mine, '/webhooks/1/deliveries')).json());
    expect(list.deliveries.map(({ id }) => id)).toEqual([own?.id]);
    const old = await server.as(mine, `/organizations/${OURS}/webhooks/1/deliveries`);
    expect(WebhookDeliveryList.parse(await old.json()).deliveries.map(({ id }) => id)).toEqual([own?.id]);
    for (const token of [mine, server.admin])
      for (const { id } of about) {
        const again = await server.as(token, `/webhooks/1/deliveries/${id}/redeliver`, send('POST'));
        expect(again.status).toBe(id === own?.id ? 202 : 404);
      }
    const [message] = await after.until(1);
    expect(message?.body).toContain(`"organization_id": ${OURS}`);
    const states = await sql<{ state: string }[]>`
      select state from webhook_deliveries where organization_id = ${THEIRS}`;
    expect(states).toEqual([{ state: 'given_up' }]);
    expect(after.received.some(({ body }) => body.includes(`"organization_id": ${THEIRS}`))).toBe(false);
  });
});

describe('a change during another change', () => {
  test('does not undo it, and is refused when the endpoint is then for more than the caller holds', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl);
    const both = await server.token({ scope: 'admin', organizations: [OURS, THEIRS] });
    const url = 'https://example.com/hook';
    await server.as(both, '/webhooks', send('POST', { url, organizations: [OURS, THEIRS] }));
    const { sql } = server.database;
    const areWaiting = (count: number) =>
      vi.waitFor(
        async () =>
          expect(
            await sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          ).toHaveLength(count),
        { timeout: 20_000, interval: 20 },
      );
    const change = (token: string, body: object) => server.as(token, '/webhooks/1', send('PUT', body));
    const started = await sql.begin(async (tx) => {
      await tx`select 1 from webhook_endpoints for update`;
      const widened = change(server.admin, { organizations: '*' });
      await areWaiting(1);
      const digested = change(both, { digest: true });
      await areWaiting(2);
      return { widened, digested };
    });
    expect((await started.widened).status).toBe(200);
    expect((await started.digested).status).toBe(404);
    expect(await (await server.as(server.admin, '/webhooks/1')).json()).toMatchObject({
      organizations: '*',
      digest: false,
    });
  });
});

describe('settings', () => {
  test('are read back, changed one by one, and refused with the field that is wrong', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, {
      organizations: [123, 124],
      config: { webhooksMayLoopBack: true },
    });
    const receiver = await startReceiver(204);
    const url = receiver.url;
    const quiet_hours = { from: '22:00', to: '06:00', time_zone: 'Australia/Sydney' };
    const created = await register(server, {
      url,
      organizations: [124, 123, 124],
      quiet_hours,
      digest: true,
    });
    expect(created).toMatchObject({ kind: 'standard', organizations: [123, 124], email: null, latest: null });
    expect(created.secret).toMatch(/^whsec_/);
    const changed = await server.api(
      `/webhooks/${created.id}`,
      send('PUT', { organizations: [123], quiet_hours: null }),
    );
    expect(await changed.json()).toMatchObject({
      organizations: [123],
      quiet_hours: null,
      digest: true,
      url,
    });
    // The secret is the same, also after it was sealed for other organizations.
    await server.api(`/webhooks/${created.id}`, send('PUT', { organizations: '*' }));
    await server.api(`/webhooks/${created.id}/test`, send('POST'));
    const [tested] = await receiver.until(1);
    const headers = Object.fromEntries(
      Object.entries(tested?.headers ?? {}).map(([name, value]) => [name, String(value)]),
    );
    expect(new Verifier(created.secret ?? '').verify(tested?.body ?? '', headers)).toMatchObject({
      type: 'test',
      data: { webhook_id: created.id },
    });
    expect(await (await server.api(`/webhooks/${created.id}`)).json()).toMatchObject({ organizations: '*' });
    // The URL does not stay for another kind; what is missing is a mail server.
    const emailed = await server.api(`/webhooks/${created.id}`, send('PUT', { email: 'ops@example.com' }));
    expect(Problem.parse(await emailed.json()).code).toBe('EMAIL_NOT_SET_UP');
    // The old list has the endpoints of one organization, and those of programs.
    const chat = { kind: 'slack' as const, url, organizations: [123] };
    await register(server, chat);
    expect(await (await server.api('/organizations/123/webhooks')).json()).toEqual({ webhooks: [] });

    const fieldOf = async (body: object) => {
      const response = await server.api('/webhooks', send('POST', body));
      return response.status === 400 ? Problem.parse(await response.json()).field : response.status;
    };
    expect(await fieldOf({ ...chat, url: undefined })).toBe('url');
    expect(await fieldOf({ ...chat, url: 'http://10.0.0.1/' })).toBe('url');
    expect(await fieldOf({ ...chat, url: 'https://example.com:8443/' })).toBe('url');
    expect(await fieldOf({ ...chat, email: 'ops@example.com' })).toBe('email');
    expect(await fieldOf({ ...chat, kind: 'email' })).toBe('url');
    expect(await fieldOf({ organizations: [123], email: 'no address' })).toBe('email');
    expect(await fieldOf({ ...chat, events: ['patients.changed'] })).toBe('events');
    expect(await fieldOf({ ...chat, quiet_hours: { ...quiet_hours, to: '22:00' } })).toBe('quiet_hours.to');
    expect(await fieldOf({ ...chat, quiet_hours: { ...quiet_hours, from: '24:00' } })).toBe(
      'quiet_hours.from',
    );
    expect(await fieldOf({ ...chat, organizations: [] })).toBe('organizations');
    expect(await fieldOf({ organizations: [123], email: 'ops@example.com' })).toBe(409);
  });
});

describe('endpoints', () => {
  test.for([
    ['20 for all organizations', 20, '/webhooks', { organizations: '*' }],
    ['10 for one', 10, '/organizations/123/webhooks', {}],
  ] as const)(
    'are at most %s, also when they come at once',
    async ([, most, path, settings], { databaseUrl }) => {
      const server = await startTestServer(databaseUrl);
      const endpoint = { url: 'https://example.com', ...settings };
      const answers = await Promise.all(
        Array.from({ length: most + 3 }, () => server.api(path, send('POST', endpoint))),
      );
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(most);
      const refused = answers.find(({ status }) => status !== 201);
      expect(Problem.parse(await refused?.json())).toMatchObject({ status: 409, code: 'TOO_MANY_WEBHOOKS' });
      // Each of them can be changed.
      const [{ id } = { id: 0 }] = await connectInTest(databaseUrl)`select id from webhook_endpoints`;
      expect((await server.api(`/webhooks/${id}`, send('PUT', { url: `${endpoint.url}/2` }))).status).toBe(
        200,
      );
    },
  );

  test('show only the origin of their URLs to tokens below admin', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const url = 'https://hooks.example.com/services/T000/SECRET?key=SECRET';
    const path = `/organizations/${OURS}/webhooks`;
    await server.as(server.admin, path, { method: 'POST', body: JSON.stringify({ url }) });
    const seen = async (token: string) => {
      const { webhooks } = WebhookList.parse(await (await server.as(token, path)).json());
      return webhooks.map((webhook) => webhook.url);
    };
    expect(await seen(server.admin)).toEqual([url]);
    expect(await seen(await server.token({ scope: 'admin' }))).toEqual([url]);
    for (const scope of ['read', 'sync'] as const) {
      expect(await seen(await server.token({ scope }))).toEqual(['https://hooks.example.com']);
    }
  });
});
