import { describe, expect, test as plain, vi } from 'vitest';
import type { SyncLog } from '#contract/sync-log.ts';
import { ClinikoError } from '../../../src/cliniko/error.ts';
import type { PatientSource } from '../../../src/cliniko/source.ts';
import { IgnoredFilterError, scanChanges } from '../../../src/sync/read/change-scan.ts';
import { connectInTest, test } from '../../support/database.ts';
import { holdPage } from '../../support/held-page.ts';
import { latestRun } from '../../support/latest-run.ts';
import { clinikoRecords, person } from '../../support/scripted-source.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { wholeSync } from '../../support/whole-sync.ts';

async function sync(server: TestServer, kind: string): Promise<SyncLog> {
  const before = server.cliniko.requests.length;
  await server.api(`/cliniko/${kind}/123`, { method: 'POST' });
  const log = await vi.waitFor(
    async () => {
      const latest = await latestRun(server);
      expect(latest.status).not.toBe('running');
      return latest;
    },
    { timeout: 10_000, interval: 10 },
  );
  expect(log.metadata.performance_metrics?.api_requests).toBe(server.cliniko.requests.length - before);
  return log;
}

describe('a changed run', () => {
  test('reads everything when no run has completed before', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 250 });
    expect(await sync(server, 'sync-changed')).toMatchObject({
      operation_type: 'changed_patients',
      status: 'completed',
      records_success: 250,
    });
  });

  test('of an unchanged clinic sends at most three requests and stores nothing', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 250 });
    await sync(server, 'sync-all');
    const log = await sync(server, 'sync-changed');

    expect(log).toMatchObject({
      status: 'completed',
      records_processed: 0,
      metadata: { progress_percent: 100 },
    });
    expect(log.metadata.performance_metrics?.api_requests).toBeLessThanOrEqual(3);
  });

  test('of a clinic that was deleted and registered again reads everything', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 120 });
    await sync(server, 'sync-all');
    await server.api('/organizations/123', { method: 'DELETE' });
    await server.api('/organizations/123', { method: 'PUT', body: '{}' });
    const key = JSON.stringify({ api_key: server.cliniko.apiKey });
    await server.api('/organizations/123/cliniko-credentials', { method: 'PUT', body: key });

    expect(await sync(server, 'sync-changed')).toMatchObject({ records_success: 120 });
    // Storing the same key again does not change the account.
    await server.api('/organizations/123/cliniko-credentials', { method: 'PUT', body: key });
    expect(await sync(server, 'sync-changed')).toMatchObject({ records_processed: 0 });
  });

  test('reads everything when another program set the status of the only full run to completed', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 500 });
    const letGo = holdPage(server, 3);
    const sql = connectInTest(databaseUrl);
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await vi.waitFor(
      async () => {
        const ended =
          await sql`update sync_logs set status = 'completed', completed_at = now() at time zone 'utc'
          where status = 'running' and records_processed > 0 returning id`;
        expect(ended).toHaveLength(1);
      },
      { timeout: 10_000, interval: 5 },
    );
    letGo();
    const log = await wholeSync(server, 'sync-changed');
    expect(log).toMatchObject({ operation_type: 'changed_patients', records_success: 500 });
    expect(await sql`select from patients`).toHaveLength(500);
  });

  test('reads what was created, edited or archived since, and nothing else', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 250 });
    const { people } = server.cliniko;
    await sync(server, 'sync-all');
    server.cliniko.behaviour.archivingBumpsUpdatedAt = false;
    people.add(3);
    people.edit(people.idOf(10), { first_name: 'Edited' });
    people.archive(people.idOf(11));
    people.unarchive(people.idOf(11));
    people.archive(people.idOf(11));

    expect(await sync(server, 'sync-changed')).toMatchObject({
      status: 'completed',
      records_processed: 5,
      metadata: { inserted: 3, updated: 2 },
    });
    const summary = await (await server.api('/cliniko/patients/123/summary')).json();
    expect(summary).toMatchObject({ total: 253, archived: 253 - people.countActive() });
  });
});

describe('the change scan', () => {
  const ANY_TIME = 'updated_at:>=2000-01-01T00:00:00Z';
  const second = (n: number) => `2026-01-01T00:00:${String(n).padStart(2, '0')}Z`;

  /** Cliniko's list of these people, with the filters and the sort of a request. */
  function clinic(people: Record<string, unknown>[]): PatientSource & { asked: number } {
    const source = {
      asked: 0,
      estimateWaitMs: () => 0,
      async page({ page, perPage, filters, sort }: Parameters<PatientSource['page']>[0]) {
        source.asked += 1;
        const asked = (condition: RegExp) =>
          filters.map((filter) => condition.exec(filter)?.[1]).find(Boolean);
        const from = asked(/^updated_at:>=(.*)$/);
        const before = asked(/^updated_at:<(.*)$/) ?? 'Z';
        const after = BigInt(asked(/^id:>(.*)$/) ?? 0);
        const byId = sort === 'id:asc';
        const order = (one: Record<string, unknown>) => `${byId ? '' : one.updated_at} ${one.id}`;
        const isMeant = (one: Record<string, unknown>) =>
          from !== undefined &&
          String(one.updated_at) >= from &&
          String(one.updated_at) < before &&
          BigInt(String(one.id)) > after;
        const found = people.filter(isMeant);
        found.sort((a, b) => (order(a) < order(b) ? -1 : 1));
        const records = clinikoRecords(found.slice((page - 1) * perPage, page * perPage));
        return { records, totalEntries: found.length, hasNext: page * perPage < found.length };
      },
    };
    return source;
  }

  async function idsSeen(
    source: PatientSource,
    { since = second(0), onPage = () => {} } = {},
  ): Promise<Set<unknown>> {
    const seen = new Set<unknown>();
    const fields = ['updated_at', 'archived_at'] as const;
    const plan = { since, perPage: 100, filter: 'archived_at:*', fields };
    for await (const page of scanChanges(source, plan, { signal: AbortSignal.any([]) })) {
      for (const record of page.records) seen.add(record.id);
      onPage();
    }
    return seen;
  }

  plain('reads 500 patients of one second, and ends', async () => {
    const people = Array.from({ length: 750 }, (_, n) =>
      person(n + 1, { updated_at: second(n < 100 ? 1 : n < 600 ? 2 : 3) }),
    );
    const source = clinic(people);

    expect((await idsSeen(source)).size).toBe(750);
    expect(source.asked).toBeLessThan(20);
  });

  plain(
    'misses none of 350 patients of one second when one is edited while the second page is in flight',
    async () => {
      const people = Array.from({ length: 350 }, (_, n) => person(n + 1, { updated_at: second(2) }));
      let pages = 0;
      const onPage = () => {
        pages += 1;
        if (pages === 2) Object.assign(people[7] ?? {}, { updated_at: second(50) });
      };
      expect((await idsSeen(clinic(people), { onPage })).size).toBe(350);
    },
  );

  plain.for([25, 100])('reads a whole list with pages of %i and no link to the next page', async (size) => {
    const people = Array.from({ length: 130 }, (_, n) => person(n + 1, { updated_at: second(n % 50) }));
    const whole = clinic(people);
    const source: PatientSource = {
      ...whole,
      page: async (query, options) => ({
        ...(await whole.page({ ...query, perPage: size }, options)),
        hasNext: false,
      }),
    };
    expect((await idsSeen(source)).size).toBe(130);
  });

  plain('reads numbered pages when Cliniko ignores the filter on ids', async () => {
    const people = Array.from({ length: 350 }, (_, n) => person(n + 1, { updated_at: second(2) }));
    const source = ignoring('id:', clinic(people));
    expect((await idsSeen(source)).size).toBe(350);
  });

  plain('reads the requested patients beside an older one that was not requested', async () => {
    const people = Array.from({ length: 250 }, (_, n) => person(n + 1, { updated_at: second(n % 50) }));
    const old = clinikoRecords([person(999, { updated_at: '2020-01-01T00:00:00Z' })]);
    const whole = clinic(people);
    const source: PatientSource = {
      ...whole,
      page: async (query, options) => {
        const page = await whole.page(query, options);
        return { ...page, records: page.records.length > 0 ? [...old, ...page.records] : [] };
      },
    };
    expect((await idsSeen(source)).size).toBe(251);
  });

  const ignoring = (prefix: string, source: PatientSource): PatientSource => ({
    ...source,
    page: (query, options) =>
      source.page(
        { ...query, filters: query.filters.map((one) => (one.startsWith(prefix) ? ANY_TIME : one)) },
        options,
      ),
  });

  plain('treats a response with only other patients as an error, and not as the end', async () => {
    const people = Array.from({ length: 250 }, (_, n) => person(n + 1, { updated_at: second(n % 50) }));
    const source = ignoring('updated_at:>=', clinic(people));
    await expect(idsSeen(source, { since: second(40) })).rejects.toThrow(IgnoredFilterError);
  });

  plain('ends when a source repeats the same page of one second', async () => {
    const records = clinikoRecords(
      Array.from({ length: 100 }, (_, n) => person(n + 1, { updated_at: second(5) })),
    );
    const source: PatientSource = {
      estimateWaitMs: () => 0,
      page: async () => ({ records, totalEntries: undefined, hasNext: true }),
    };
    await expect(idsSeen(source)).rejects.toThrow(ClinikoError);
  });

  plain('skips archivals when Cliniko ignores the filter on archived_at', async () => {
    const people = Array.from({ length: 250 }, (_, n) =>
      person(n + 1, { updated_at: second(n % 50), archived_at: second(n % 50) }),
    );
    const source = ignoring('archived_at:>=', clinic(people));
    expect((await idsSeen(source, { since: second(40) })).size).toBe(50);
  });

  plain('misses no patient when one is edited during each page', async () => {
    const people = Array.from({ length: 1_000 }, (_, n) => person(n + 1, { updated_at: second(n % 30) }));
    let edits = 0;
    const onPage = () => {
      const one = people[(edits * 37) % 1_000];
      if (one !== undefined && edits < 12) one.updated_at = second(40 + edits);
      edits += 1;
    };
    const seen = await idsSeen(clinic(people), { onPage });

    expect(seen.size).toBe(1_000);
  });
});
