/** How the deliverer shares its attempts: no organization delays another. */
import { describe, expect, vi } from 'vitest';
import { CreatedWebhook } from '#contract/webhook.ts';
import { claimDeliveries } from '../../src/webhooks/outbox.ts';
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
    await register(server, 2, healthy.url);
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      select 1, 'by_hand', 'failed', now() from generate_series(1, 50)`;
    await hanging.until(4);

    for (let count = 1; count <= 5; count += 1) {
      const endedAt = performance.now();
      await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
        values (2, 'by_hand', 'failed', now())`;
      await healthy.until(count);
      // An attempt that hangs lasts 15 s: this one waits for none of them.
      expect(performance.now() - endedAt).toBeLessThan(10_000);
    }
    expect(hanging.received).toHaveLength(4);
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
    const perOrganization = countBy(first.map(({ organizationId }) => organizationId));
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

function countBy(ids: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}
