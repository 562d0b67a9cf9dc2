/** What did not happen: a server that was stopped over a firing, seen in the metrics, in the overview and as a webhook. */
import { Webhook as Verifier } from 'standardwebhooks';
import { describe, expect, vi } from 'vitest';
import { CreatedWebhook, WebhookMessage } from '#contract/webhook.ts';
import { openDatabase } from '../../src/database/open.ts';
import { saveOrganization } from '../../src/organizations/organizations.ts';
import { setPause } from '../../src/organizations/pause.ts';
import { enqueueOverdue } from '../../src/webhooks/overdue-watch.ts';
import { readSamples, scrape } from '../metrics/support/scrape.ts';
import { connectInTest, test } from '../support/database.ts';
import { putJson, startTestServer } from '../support/server.ts';
import { startReceiver } from './support/receiver.ts';

const NIGHTLY = { cron: '0 2 * * *', time_zone: 'Australia/Sydney' };

describe('a firing that no server was there for', () => {
  test('raises the metric after the next start, until the sync that it starts has succeeded', async ({
    databaseUrl,
  }) => {
    const before = await startTestServer(databaseUrl, { patients: 5 });
    await putJson(before.api, '/organizations/123', { schedule: NIGHTLY });
    await before.stop();
    const sql = connectInTest(databaseUrl);
    await sql`update organizations set next_sync_at = now() - interval '5 minutes'`;

    // The run that makes up for the firing fails.
    const { cliniko } = before;
    cliniko.behaviour.access = 'unauthorised';
    const server = await startTestServer(databaseUrl, { organizations: [], cliniko });
    const overdue = async () => readSamples(await scrape(server.url)).value('patient_sync_schedules_overdue');
    await vi.waitFor(async () => expect(await overdue()).toBe(1), { timeout: 20_000, interval: 100 });
    const latest = async () => (await (await server.api('/cliniko/sync-logs/123')).json()).logs[0];
    await vi.waitFor(async () => expect(await latest()).toMatchObject({ status: 'failed' }), {
      timeout: 20_000,
      interval: 100,
    });
    expect(await latest()).toMatchObject({ metadata: { trigger: { kind: 'schedule' } } });
    expect(await overdue()).toBe(1);

    cliniko.behaviour.access = 'allowed';
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await vi.waitFor(async () => expect(await latest()).toMatchObject({ status: 'completed' }), {
      timeout: 20_000,
      interval: 100,
    });
    await vi.waitFor(async () => expect(await overdue()).toBe(0), { timeout: 20_000, interval: 100 });
    const { organizations } = await (await server.api('/overview')).json();
    expect(organizations).toMatchObject([{ organization_id: 123, state: 'ok' }]);
  });
});

describe('an overdue organization', () => {
  test('is sent once for each time, to the endpoints that want it, and not while a run may end the delay', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, {
      organizations: [123, 124],
      config: { webhooksMayLoopBack: true },
    });
    const sql = connectInTest(databaseUrl);
    for (const id of [123, 124]) await putJson(server.api, `/organizations/${id}`, { schedule: NIGHTLY });
    const receiver = await startReceiver(204);
    const response = await server.api('/organizations/123/webhooks', {
      method: 'POST',
      body: JSON.stringify({ url: receiver.url, events: ['sync.overdue'] }),
    });
    const { secret, id } = CreatedWebhook.parse(await response.json());
    expect(await enqueueOverdue(sql)).toEqual([]);

    await sql`update organizations set scheduled_since = now() - interval '3 days'`;
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (124, 'full_patients', 'running', now() at time zone 'utc')`;
    const found = await Promise.all([enqueueOverdue(sql), enqueueOverdue(sql)]);
    // The server looks too: one of them is first.
    expect(found.flat().filter((one) => one === 124)).toEqual([]);
    const [first] = await receiver.until(1);
    const headers = Object.fromEntries(
      Object.entries(first?.headers ?? {}).map(([name, value]) => [name, String(value)]),
    );
    expect(WebhookMessage.parse(new Verifier(secret).verify(first?.body ?? '', headers))).toMatchObject({
      type: 'sync.overdue',
      data: { organization_id: 123, last_success_at: null, next_run_at: expect.stringMatching(/Z$/) },
    });
    const { deliveries } = await (await server.api(`/organizations/123/webhooks/${id}/deliveries`)).json();
    expect(deliveries).toMatchObject([{ event: 'sync.overdue', sync_log_id: null }]);
    expect(await enqueueOverdue(sql)).toEqual([]);

    const succeed = sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
      values (123, 'full_patients', 'completed', now() at time zone 'utc', now() at time zone 'utc')`;
    await succeed;
    await enqueueOverdue(sql);
    await sql`delete from sync_logs where status = 'completed'`;
    await setPause(sql, { paused: true }, { actor: 'anyone' });
    expect(await enqueueOverdue(sql)).toEqual([]);
    await setPause(sql, { paused: false }, { actor: 'anyone' });
    const [next] = await sql<{ attempt: string }[]>`
      update organizations set next_sync_at = now() + interval '2 hours', retry_at = now() + interval '20 minutes'
      where id = 123 returning to_char(retry_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI') as attempt`;
    await enqueueOverdue(sql);
    const [, second] = await receiver.until(2);
    expect(JSON.parse(second?.body ?? '').data.next_run_at).toContain(next?.attempt);
  });

  test('is found in its turn when there are many, and at once when there are few', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    const database = openDatabase(databaseUrl);
    const ids = [1, 2, 3, 4, 5, 6];
    for (const id of ids) await saveOrganization(database, id, { schedule: NIGHTLY });
    await database.close();
    await sql`update organizations set scheduled_since = now() - interval '3 days'`;
    // PostgreSQL counts the rows.
    await sql`analyze organizations`;
    const limits = { atOnce: 2, parts: 8 };
    const found: number[][] = [];
    for (const turn of [7, 8, 9, 10]) found.push(await enqueueOverdue(sql, turn, limits));
    expect(found).toEqual([[1, 4], [2, 5], [3, 6], []]);
    await sql`update organizations set overdue_sent_at = null`;
    expect(await enqueueOverdue(sql, 7)).toEqual(ids);
  });

  test('is left to the next look while another transaction holds it', async ({
    databaseUrl,
    onTestFinished,
  }) => {
    const sql = connectInTest(databaseUrl);
    const database = openDatabase(databaseUrl);
    onTestFinished(() => database.close());
    for (const id of [1, 2, 3]) await saveOrganization(database, id, { schedule: NIGHTLY });
    await sql`update organizations set scheduled_since = now() - interval '3 days'`;
    await connectInTest(databaseUrl).begin(async (other) => {
      await other`select from organizations where id = 2 for update`;
      expect(await enqueueOverdue(sql)).toEqual([1, 3]);
    });
    expect(await enqueueOverdue(sql)).toEqual([2]);
  });
});
