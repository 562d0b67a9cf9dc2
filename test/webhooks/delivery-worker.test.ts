/** How the deliverer shares its attempts: no organization delays another. */
import { describe, expect, onTestFinished, vi } from 'vitest';
import { CreatedWebhook } from '#contract/webhook.ts';
import { enqueueTest, redeliver } from '../../src/webhooks/delivery-log.ts';
import { giveUpOthers } from '../../src/webhooks/message-owners.ts';
import { claimDeliveries, renewClaims } from '../../src/webhooks/outbox.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { startReceiver } from './support/receiver.ts';

async function register(server: TestServer, organizationId: number, url: string): Promise<number> {
  const response = await server.api(`/organizations/${organizationId}/webhooks`, {
    method: 'POST',
    body: JSON.stringify({ url }),
  });
  return CreatedWebhook.parse(await response.json()).id;
}

describe('many endpoints that refuse a connection at once', () => {
  test('cause no warning of Node about listeners', async ({ databaseUrl }) => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    const organizations = Array.from({ length: 14 }, (_, n) => n + 1);
    const server = await startTestServer(databaseUrl, {
      organizations,
      config: { webhooksMayLoopBack: true },
    });
    // Nothing listens there.
    for (const id of organizations) await register(server, id, 'http://127.0.0.1:9/');
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      select id, 'by_hand', 'failed', now() from unnest(${organizations}::int[]) as id`;
    await vi.waitFor(
      async () =>
        expect(await sql`select from webhook_deliveries where last_error is not null`).toHaveLength(14),
      { timeout: 30_000, interval: 100 },
    );
    expect(warnings.map(({ name }) => name)).not.toContain('MaxListenersExceededWarning');
  });
});

describe('an organization with ten endpoints that never answer', () => {
  test('delays no other, and is tried with its own share only', async ({ databaseUrl }) => {
    const organizations = [1, 2];
    const server = await startTestServer(databaseUrl, {
      organizations,
      config: { webhooksMayLoopBack: true },
    });
    const hanging = await startReceiver('hang');
    const healthy = await startReceiver(204);
    for (let count = 0; count < 10; count += 1) await register(server, 1, hanging.url);
    // One of all organizations, and in a chat.
    await server.api('/webhooks', {
      method: 'POST',
      body: JSON.stringify({ kind: 'slack', url: hanging.url, organizations: '*' }),
    });
    await register(server, 2, healthy.url);
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      select 1, 'by_hand', 'failed', now() from generate_series(1, 50)`;
    await hanging.until(6);

    for (let count = 1; count <= 5; count += 1) {
      const endedAt = performance.now();
      await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
        values (2, 'by_hand', 'failed', now())`;
      await healthy.until(count);
      // An attempt that hangs lasts 15 s: this one waits for none of them.
      expect(performance.now() - endedAt).toBeLessThan(10_000);
    }
    // While this server lives, no other one takes over what hangs.
    await sql`update webhook_deliveries set next_attempt_at = now() + interval '9 seconds' where state = 'pending' and attempts = 1`;
    await vi.waitFor(
      async () => {
        const [row] =
          await sql`select bool_and(next_attempt_at > now() + interval '10 seconds') as are_renewed
          from webhook_deliveries where state = 'pending' and attempts = 1`;
        expect(row).toEqual({ are_renewed: true });
      },
      { timeout: 20_000, interval: 100 },
    );
    expect(hanging.received).toHaveLength(6);
  });
});

describe('claims', () => {
  test('take turns between organizations, at most four of one and two of an endpoint, oldest first', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    await sql`insert into organizations (id, name, country, time_zone, validation) select id, 'Clinic', 'AU', 'UTC', '{}' from generate_series(1, 40) as id`;
    await sql`insert into webhook_endpoints (organization_id, url, sealed_secret, events)
      select id, 'https://example.com', '', '{sync.failed}' from generate_series(1, 40) as id, generate_series(1, 3)`;
    await sql`insert into webhook_deliveries (endpoint_id, organization_id, message_id, event, sync_log_id, body, next_attempt_at)
      select e.id, e.organization_id, 'msg', 'sync.failed', 1, n::text, now() - make_interval(secs => 100 - n)
      from webhook_endpoints e, generate_series(1, 5) as n`;

    const first = await claimDeliveries(sql, []);
    expect(first).toHaveLength(128);
    const perOrganization = countBy(first.map(({ owner }) => owner));
    expect(perOrganization.size).toBe(40);
    expect(Math.max(...perOrganization.values())).toBeLessThanOrEqual(4);
    expect(Math.max(...countBy(first.map(({ endpointId }) => endpointId)).values())).toBeLessThanOrEqual(2);
    expect(new Set(first.map(({ body }) => body))).toEqual(new Set(['1', '2']));

    expect(await claimDeliveries(sql, first)).toEqual([]);
    const [ended, ...running] = first;
    const next = await claimDeliveries(sql, running);
    expect(next).toHaveLength(1);
    expect(ended && next.map(({ id }) => id)).not.toContain(ended?.id);
  });

  test('leave room for endpoints that answer, however many are silent, and for one mail server few at once', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    await sql`insert into organizations (id, name, country, time_zone, validation) select id, 'Clinic', 'AU', 'UTC', '{}' from generate_series(1, 300) as id`;
    // Clinics 1 to 200 are silent, 201 to 250 get emails, the others answer.
    await sql`insert into webhook_endpoints (organization_id, kind, url, sealed_secret, events, silent_since)
      select id, case when id between 201 and 250 then 'email' else 'standard' end, 'https://example.com', '', '{sync.failed}',
        case when id <= 200 then now() end
      from generate_series(1, 300) as id`;
    await sql`insert into webhook_deliveries (endpoint_id, organization_id, message_id, event, body, next_attempt_at)
      select id, organization_id, 'msg', 'sync.failed', '', now() - make_interval(secs => 300 - organization_id)
      from webhook_endpoints`;

    const first = await claimDeliveries(sql, []);
    const lanes = countBy(first.map(({ lane }) => lane));
    expect(Object.fromEntries(lanes)).toEqual({ silent: 32, email: 8, open: 50 });
    expect(await claimDeliveries(sql, first)).toEqual([]);
    const [ended] = first.filter(({ lane }) => lane === 'silent');
    const next = await claimDeliveries(
      sql,
      first.filter((one) => one !== ended),
    );
    expect(next.map(({ lane }) => lane)).toEqual(['silent']);
  });

  test('take no message about an organization that its endpoint is no longer for, and then it is given up', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    await sql`insert into organizations (id, name, country, time_zone, validation) select id, 'Clinic', 'AU', 'UTC', '{}' from generate_series(1, 3) as id`;
    await sql`insert into webhook_endpoints (organization_id, organizations, url, sealed_secret, events)
      values (1, null, '', '', '{sync.failed}'), (null, '{1,2}', '', '', '{sync.failed}'), (null, null, '', '', '{sync.failed}')`;
    await sql`insert into webhook_deliveries (endpoint_id, organization_id, organizations, message_id, event, body)
      select endpoint.id, about.one, about.several::int[], endpoint.id || about.title, about.event, ''
      from webhook_endpoints as endpoint, (values (1, null, ' 1', 'sync.failed'), (null, '{1,2}', ' 1,2', 'digest'),
        (3, null, ' 3', 'sync.failed'), (null, '{2,3}', ' 2,3', 'digest'), (null, null, ' test', 'test'))
        as about (one, several, title, event)`;
    const claimed: string[] = [];
    for (let round = 0; round < 5; round += 1)
      claimed.push(...(await claimDeliveries(sql, [])).map(({ messageId }) => messageId));
    await giveUpOthers(sql);
    const givenUp = await sql<{ id: string }[]>`
      select message_id as id from webhook_deliveries where state = 'given_up' order by 1`;
    const others = ['1 1,2', '1 2,3', '1 3', '2 2,3', '2 3'];
    expect(givenUp.map(({ id }) => id)).toEqual(others);
    expect(claimed).toHaveLength(10);
    expect(claimed.filter((id) => others.includes(id))).toEqual([]);
  });

  test('last 15 s after the last renewal, which leaves alone what is no longer claimed', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    await sql`insert into organizations (id, name, country, time_zone, validation) values (1, 'Clinic', 'AU', 'UTC', '{}')`;
    await sql`insert into webhook_endpoints (organization_id, url, sealed_secret, events)
      select 1, 'https://example.com', '', '{sync.failed}' from generate_series(1, 3)`;
    await sql`insert into webhook_deliveries (endpoint_id, organization_id, message_id, event, body)
      select id, 1, 'msg', 'sync.failed', '' from webhook_endpoints order by id`;
    const claimed = await claimDeliveries(sql, []);
    const ahead = async () => {
      const rows = await sql<{ s: number }[]>`
        select ceil(extract(epoch from next_attempt_at - clock_timestamp()) / 5)::int * 5 as s from webhook_deliveries order by id`;
      return rows.map(({ s }) => s);
    };
    const set = (id: number, interval: string) =>
      sql`update webhook_deliveries set next_attempt_at = clock_timestamp() + ${interval}::interval where id = ${id}`;
    expect(Math.max(...(await ahead()))).toBeLessThanOrEqual(15);
    await set(1, '2 seconds');
    // Claimed by another server since, and put off by an attempt that failed.
    await sql`update webhook_deliveries set attempts = 2, next_attempt_at = clock_timestamp() where id = 2`;
    await set(3, '5 minutes');
    await renewClaims(sql, claimed);
    const [renewed, other, putOff] = await ahead();
    expect(renewed).toBeGreaterThan(5);
    expect(other).toBeLessThanOrEqual(0);
    expect(putOff).toBeGreaterThan(60);
    // A person who sends one again changes no claim, and loses no attempt of one that waits.
    expect(await redeliver(sql, 2, 1)).toBeUndefined();
    expect([await redeliver(sql, 1, 1), await redeliver(sql, 3, 3)]).toMatchObject([
      { attempts: 1 },
      { attempts: 1 },
    ]);
    const [claim, , due] = await ahead();
    expect(claim).toBeGreaterThan(5);
    expect(due).toBeLessThanOrEqual(0);
    // The same for a test: they do not pile up.
    const endpoint = { id: 1, kind: 'standard', organizationId: 1, organizations: null } as const;
    const first = await enqueueTest(sql, endpoint, '');
    expect((await enqueueTest(sql, endpoint, '')).id).toBe(first.id);
  });

  test('that two servers make at once never take the same message', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await sql`insert into organizations (id, name, country, time_zone, validation) select id, 'Clinic', 'AU', 'UTC', '{}' from generate_series(1, 50) as id`;
    await sql`insert into webhook_endpoints (organization_id, url, sealed_secret, events)
      select id, 'https://example.com', '', '{sync.failed}' from generate_series(1, 50) as id`;
    await sql`insert into webhook_deliveries (endpoint_id, organization_id, message_id, event, sync_log_id, body)
      select e.id, e.organization_id, 'msg', 'sync.failed', 1, '' from webhook_endpoints e, generate_series(1, 2)`;
    const claimed: string[] = [];
    await vi.waitFor(async () => {
      const both = await Promise.all([claimDeliveries(sql, []), claimDeliveries(sql, [])]);
      claimed.push(...both.flat().map(({ id }) => id));
      expect(claimed).toHaveLength(100);
    });
    expect(new Set(claimed).size).toBe(100);
  });
});

function countBy<T>(ids: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

describe('the start of a server', () => {
  test('deletes deliveries that ended 30 days ago, gives up those of other organizations, and ends waits of a wrong clock', async ({
    databaseUrl,
  }) => {
    const config = { webhooksMayLoopBack: true };
    const server = await startTestServer(databaseUrl, { organizations: [123, 124], config });
    // Nothing listens there.
    await register(server, 123, 'http://127.0.0.1:9/');
    await server.stop();
    const sql = connectInTest(databaseUrl);
    await sql`
      insert into webhook_deliveries (endpoint_id, organization_id, message_id, event, body, next_attempt_at)
      select id, one.organization_id, message_id, 'sync.failed', '{}', now() + wait::interval
      from webhook_endpoints, (values (124, 'msg_other', '0 s'), (123, 'msg_ahead', '90 days')) as one (organization_id, message_id, wait)`;
    await sql`
      insert into webhook_deliveries (endpoint_id, organization_id, message_id, event, body, state, created_at, next_attempt_at)
      select (select id from webhook_endpoints), 123, 'msg_' || days, 'sync.failed', '{}', state,
        now() - make_interval(days => days), now() + interval '1 hour'
      from (values (29, 'delivered'), (31, 'delivered'), (32, 'given_up'), (33, 'pending')) as old (days, state)`;
    await startTestServer(databaseUrl, { organizations: [], config });
    await expect
      .poll(
        () => sql`
        select message_id as id, state, next_attempt_at < now() + interval '2 hours' as is_soon
        from webhook_deliveries order by message_id`,
      )
      .toEqual([
        { id: 'msg_29', state: 'delivered', is_soon: true },
        { id: 'msg_33', state: 'pending', is_soon: true },
        { id: 'msg_ahead', state: 'pending', is_soon: true },
        { id: 'msg_other', state: 'given_up', is_soon: true },
      ]);
  });
});
