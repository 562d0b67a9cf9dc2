/** The end of a crawl, as Cliniko sees it. */
import { describe, expect, vi } from 'vitest';
import { SyncLogList } from '#contract/sync-log.ts';
import { test } from '../../support/database.ts';
import { startTestServer } from '../../support/server.ts';

describe('the end of a crawl', () => {
  test('reads the changes while the clinic is counted again', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const { faults, requests } = server.cliniko;
    faults.onRequests(({ query }) => query.includes('per_page=1&'), { kind: 'hang' });
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    const sorts = () => requests.map(({ query }) => /sort=(\w+)/.exec(query)?.[1]);
    await vi.waitFor(() => expect(sorts()).toEqual(expect.arrayContaining(['updated_at', 'archived_at'])));
    faults.clear();
    faults.release();
    await vi.waitFor(async () => {
      const answer = await server.api('/cliniko/sync-logs/123?limit=1');
      expect(SyncLogList.parse(await answer.json()).logs[0]).toMatchObject({
        status: 'completed',
        records_success: 648,
        metadata: { proof: { proven: true } },
      });
    });
  });
});
