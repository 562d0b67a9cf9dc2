/** The bodies of messages: of an endpoint that changes its kind, and how long they may be. */
import { describe, expect, test as plainTest, vi } from 'vitest';
import { WebhookDeliveryList } from '#contract/webhook.ts';
import { CreatedWebhookEndpoint, type WebhookEndpointChange } from '#contract/webhook-endpoint.ts';
import { bodyForKind, NO_BODY_FOR_KIND } from '../../src/webhooks/body-for-kind.ts';
import { bodyFor } from '../../src/webhooks/message-bodies.ts';
import { pageLinks } from '../../src/webhooks/page-links.ts';
import { summarize } from '../../src/webhooks/summary.ts';
import { connectInTest, test } from '../support/database.ts';
import { putJson, startTestServer } from '../support/server.ts';
import { startChatService } from './support/chat-services.ts';
import { startReceiver } from './support/receiver.ts';

const eventually = <T>(fact: () => Promise<T>) => vi.waitFor(fact, { timeout: 20_000, interval: 20 });

async function openEndpoint(databaseUrl: string, url: string) {
  const server = await startTestServer(databaseUrl, { config: { webhooksMayLoopBack: true } });
  await putJson(server.api, '/organizations/123', { name: 'Harbour *Street*' });
  const sql = connectInTest(databaseUrl);
  const body = JSON.stringify({ kind: 'slack', url, organizations: [123] });
  const created = await server.api('/webhooks', { method: 'POST', body });
  const { id } = CreatedWebhookEndpoint.parse(await created.json());
  return {
    server,
    change: (to: WebhookEndpointChange) => putJson(server.api, `/webhooks/${id}`, to),
    send: (path: string) => server.api(`/webhooks/${id}/${path}`, { method: 'POST' }),
    async deliveries() {
      const read = await (await server.api(`/webhooks/${id}/deliveries`)).json();
      return WebhookDeliveryList.parse(read).deliveries;
    },
    async fail() {
      const [run] = await sql<{ id: number }[]>`
        insert into sync_logs (organization_id, operation_type, status, started_at, metadata, error_details)
        values (123, 'full_patients', 'failed', now() at time zone 'utc', '{"error_type": "CLINIKO_UNAVAILABLE"}',
          'Cliniko did not answer properly (HTTP 503)') returning id`;
      return `${server.url}/?org=123&run=${run?.id}`;
    },
    async dueNow() {
      await sql`update webhook_deliveries set next_attempt_at = now() where state = 'pending'`;
    },
    async forgetKinds() {
      await sql`update webhook_deliveries set kind = null, summary = null`;
    },
  };
}

const LINE = 'Harbour *Street*: sync failed: Cliniko answered 503';

describe('an endpoint that changes its kind', () => {
  test('gets what waits, and what is sent again, in the form of the new kind', async ({ databaseUrl }) => {
    const slack = await startChatService('slack');
    const teams = await startChatService('teams');
    const discord = await startChatService('discord');
    const program = await startReceiver(500, 204);
    const endpoint = await openEndpoint(databaseUrl, slack.url);
    slack.next.push({ status: 503 });
    const link = await endpoint.fail();
    await eventually(async () => expect(await endpoint.deliveries()).toMatchObject([{ last_status: 503 }]));

    await endpoint.change({ kind: 'teams', url: teams.url });
    await endpoint.dueNow();
    expect(await teams.until(1)).toEqual([`${LINE} [Open](${link})`]);
    const settled = async (state: string) =>
      await eventually(async () => {
        const [newest] = await endpoint.deliveries();
        expect(newest).toMatchObject({ state });
        return newest;
      });
    const sent = await settled('delivered');
    await endpoint.change({ kind: 'discord', url: discord.url });
    await endpoint.send(`deliveries/${sent?.id}/redeliver`);
    expect(await discord.until(1)).toEqual([`${LINE} ${link}`]);
    await settled('delivered');

    // A program does not get a text for people; a test it gets.
    await endpoint.change({ kind: 'standard', url: program.url });
    await endpoint.send(`deliveries/${sent?.id}/redeliver`);
    expect(await settled('given_up')).toMatchObject({ attempts: 1, last_error: NO_BODY_FOR_KIND });
    expect(program.received).toEqual([]);
    const second = await endpoint.fail();
    await program.until(1);
    await eventually(async () =>
      expect((await endpoint.deliveries())[0]).toMatchObject({ state: 'pending', last_status: 500 }),
    );
    await endpoint.change({ kind: 'slack', url: slack.url });
    await endpoint.dueNow();
    // The status of Cliniko's answer is no part of a message for programs.
    expect(await slack.until(1)).toEqual([
      `Harbour *Street*: sync failed: Cliniko did not answer [Open](${second})`,
    ]);
    await endpoint.send('test');
    await slack.until(2);
    const test = await settled('delivered');
    await endpoint.change({ kind: 'standard', url: program.url });
    await endpoint.send(`deliveries/${test?.id}/redeliver`);
    expect(JSON.parse((await program.until(2))[1]?.body ?? '')).toMatchObject({ type: 'test' });

    // Rows of a server of the previous version name neither their kind nor what their body is made of.
    await endpoint.forgetKinds();
    await endpoint.change({ kind: 'teams', url: teams.url });
    await endpoint.send(`deliveries/${test?.id}/redeliver`);
    await teams.until(2);
  });
});

describe('the body for another kind', () => {
  test('groups the clinics of a digest, and people get no changes of patients', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await sql`insert into organizations (id, name, country, time_zone, validation) values (1, 'One', 'AU', 'UTC', '{}')`;
    const delivery = {
      kind: 'discord',
      bodyKind: 'standard',
      event: 'digest',
      summary: null,
      endpointId: 7,
      address: 'https://x.example',
    } as const;
    const failed = (organization_id: number, error_type: string) => ({
      type: 'sync.failed',
      data: { organization_id, sync_log_id: organization_id, error_type },
    });
    const made = async (body: object, event = 'digest') =>
      await bodyForKind(sql, { ...delivery, event, body: JSON.stringify(body) }, undefined);
    const messages = [
      failed(1, 'CLINIKO_AUTH_FAILED'),
      failed(2, 'DATABASE_UNAVAILABLE'),
      failed(3, 'DATABASE_UNAVAILABLE'),
    ];
    const { content } = JSON.parse((await made({ type: 'digest', data: { messages } })) ?? '');
    expect(content.split('\n')).toEqual([
      '2 clinics failed: the database did not answer https://x.example/ops',
      'One: sync failed: Cliniko refused the API key https://x.example/?org=1&run=1',
    ]);
    const changes = { type: 'patients.changed', data: { organization_id: 1, changes: [] } };
    expect(await made(changes, 'patients.changed')).toBeUndefined();
    const unread = { ...delivery, bodyKind: 'slack', body: '{}' } as const;
    expect(await bodyForKind(sql, unread, undefined)).toBeUndefined();
  });
});

describe('a text for people', () => {
  const links = pageLinks('https://sync.example.com');

  plainTest(
    'has ten lines at most, whose names have 80 characters, and says how many causes it leaves out',
    () => {
      const linesFor = (causes: number) => {
        const notices = Array.from({ length: causes }, (_, n) => ({
          event: 'sync.failed' as const,
          organizationId: n + 1,
          organizationName: 'x'.repeat(80),
          syncLogId: null,
          body: '{"data": {"error_type": "CLINIKO_UNAVAILABLE"}}',
          httpStatus: 500 + n,
        }));
        return summarize(notices, links).lines.map(({ text }) => text);
      };
      const ten = Array.from(
        { length: 10 },
        (_, n) => `${'x'.repeat(80)}: sync failed: Cliniko answered ${500 + n}`,
      );
      expect(linesFor(10)).toEqual(ten);
      expect(linesFor(11)).toEqual([...ten, 'And 1 more.']);
    },
  );

  plainTest('is one line that reads from left to right, whatever characters a name holds', () => {
    const notice = {
      event: 'sync.overdue' as const,
      organizationId: 1,
      organizationName: 'Harbour\u2028\r\nStreet\u202e',
      syncLogId: null,
      body: '{"data": {}}',
      httpStatus: null,
    };
    const [line] = summarize([notice], links).lines;
    expect(line?.text).toBe('Harbour Street : overdue, no sync has succeeded yet');
  });

  plainTest('is no longer than Discord takes, and then says how many lines it leaves out', () => {
    const line = { text: 'x'.repeat(250), url: 'https://x.example' };
    const { content } = JSON.parse(bodyFor('discord', { lines: Array(11).fill(line), url: links.all }));
    expect(content.length).toBeLessThanOrEqual(2_000);
    expect(content.split('\n')).toEqual([
      ...Array(7).fill(`${line.text} ${line.url}`),
      'And 4 more. https://sync.example.com/ops',
    ]);
  });
});
