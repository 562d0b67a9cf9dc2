/** A crawl that is continued, and the end of a crawl as Cliniko sees it. */
import { describe, expect, vi } from 'vitest';
import { isProven, NOTHING_COVERED } from '../../../src/sync/read/completeness.ts';
import { scanWholeClinic } from '../../../src/sync/read/whole-clinic.ts';
import { test } from '../../support/database.ts';
import { latestRun } from '../../support/latest-run.ts';
import { people, scriptedSource } from '../../support/scripted-source.ts';
import { startTestServer } from '../../support/server.ts';
import { crawlOf } from './support/crawl.ts';

describe('a crawl that continues in the middle of a page', () => {
  test('stores the patients that moved to the part of the page that was stored', async () => {
    const before = people(40);
    const ids = before.map(({ id }) => String(id));
    // 25 patients were stored. Then the first one was deleted, so page 3 begins with the second record that it had.
    const crawl = crawlOf(scriptedSource(before.slice(1)), {
      page: 3,
      place: 5,
      recordsBefore: 20,
      pageSize: 10,
      startedAt: '2026-01-01T00:00:00Z',
      coverage: { ...NOTHING_COVERED, seen: 20, totalAtStart: 40, totalAtEnd: 40 },
    });
    const stored = new Set(ids.slice(0, 25));
    for (const id of stored) crawl.seen.add(id);
    for await (const page of scanWholeClinic(crawl)) for (const { id } of page.records) stored.add(id ?? '');

    expect(ids.filter((id) => !stored.has(id))).toEqual([]);
    expect(isProven(crawl.position.coverage)).toBe(true);
  });
});

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
      expect(await latestRun(server)).toMatchObject({
        status: 'completed',
        records_success: 648,
        metadata: { proof: { proven: true } },
      });
    });
  });
});
