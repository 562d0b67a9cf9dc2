/** Messages about rows of sync_logs that another program writes. */
import { describe, expect } from 'vitest';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { startReceiver } from './support/receiver.ts';

describe('a row that another program changes', () => {
  test('makes a message when it ends, and at no other change of its status', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { config: { webhooksMayLoopBack: true } });
    const receiver = await startReceiver(204);
    const body = JSON.stringify({ url: receiver.url });
    await server.api('/organizations/123/webhooks', { method: 'POST', body });
    const sql = connectInTest(databaseUrl);
    const [row] = await sql<{ id: number }[]>`
      insert into sync_logs (organization_id, operation_type, status, started_at)
      values (123, 'nightly', 'running', now()) returning id`;
    const changes = ['pending', 'RUNNING', 'success', 'warning', 'failed', 'running', 'timeout'];
    for (const status of changes)
      await sql`update sync_logs set status = ${status} where id = ${row?.id ?? 0}`;

    expect(await sql`select event from webhook_deliveries order by id`).toEqual([
      { event: 'sync.completed' },
      { event: 'sync.failed' },
    ]);
  });
});
