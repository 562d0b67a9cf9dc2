/** A bulk operation on clinics that share one Cliniko account, and so its limit. */
import { expect, vi } from 'vitest';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { readConfig } from '../../src/config/config.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';

const PER_MINUTE = 20;

test('a retry of 30 clinics keeps the budget of their key: runs wait for Cliniko', async ({
  databaseUrl,
}) => {
  const ids = Array.from({ length: 30 }, (_, index) => index + 1);
  const cliniko = await startClinikoSimulator({ patients: 5, requestsPerMinute: Number.POSITIVE_INFINITY });
  const settings = {
    ...readConfig({}, [], false).cliniko,
    baseUrl: cliniko.url,
    requestsPerMinute: PER_MINUTE,
  };
  const server = await startTestServer(databaseUrl, {
    organizations: ids,
    cliniko,
    config: { cliniko: settings },
  });
  const before = cliniko.requests.length;
  const sent = () => cliniko.requests.length - before;
  const sql = connectInTest(databaseUrl);
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at, metadata)
    select id, 'full_patients', 'failed', now() at time zone 'utc' - interval '1 hour', now() at time zone 'utc',
      '{"error_type": "CLINIKO_UNAVAILABLE"}' from organizations`;
  const body = JSON.stringify({ action: 'retry', filter: { error_type: ['CLINIKO_UNAVAILABLE'] } });
  await server.api('/operations', { method: 'POST', body });
  await vi.waitFor(
    async () => {
      const started = await sql<{ id: number; phase: string }[]>`
        select organization_id as id, metadata ->> 'phase' as phase from sync_logs
        where metadata -> 'retry_of' is not null order by organization_id`;
      expect(started.map(({ id }) => id)).toEqual(ids);
      expect(started.map(({ phase }) => phase)).toContain('waiting');
      expect(sent()).toBeGreaterThan(0);
    },
    { timeout: 20_000, interval: 50 },
  );
  expect(sent()).toBeLessThanOrEqual(PER_MINUTE);
  await server.stop();
  await cliniko.close();
});
