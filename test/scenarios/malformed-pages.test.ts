/** A Cliniko with malformed pages: all patients are stored, the proof is correct, and none is marked missing wrongly. */
import { describe, expect } from 'vitest';
import { z } from 'zod';
import { SyncLog } from '#contract/sync-log.ts';
import type { PatientSource } from '../../src/cliniko/source.ts';
import type { Behaviour } from '../../src/cliniko-simulator/behaviour.ts';
import { connectInTest, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { clinikoRecords, people, person, scriptedSource } from '../support/scripted-source.ts';
import { startTestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

const ODDITIES: [string, Partial<Behaviour>, { proven: boolean }][] = [
  ['a total that is one too high', { total: 'one-too-high' }, { proven: false }],
  [
    'a total that is one too high, with matching links',
    { total: 'one-too-high', nextLink: 'by-total' },
    { proven: false },
  ],
  [
    'a total that is one too high, with 404 after the end',
    { total: 'one-too-high', pastTheEnd: 'not-found' },
    { proven: false },
  ],
  ['a total that is one too low', { total: 'one-too-low', nextLink: 'by-total' }, { proven: false }],
  ['a total that grows', { total: 'growing' }, { proven: false }],
  ['a total of 0', { total: 'zero', nextLink: 'never' }, { proven: false }],
  ['a negative total', { total: 'negative', nextLink: 'never' }, { proven: false }],
  ['no total', { total: 'missing', nextLink: 'never' }, { proven: false }],
  [
    'no total, and 404 after the end',
    { total: 'missing', nextLink: 'never', pastTheEnd: 'not-found' },
    { proven: false },
  ],
  ['a total that is not a number', { total: 'words' }, { proven: false }],
  ['a total as text', { total: 'numeral' }, { proven: true }],
  ['25 of 100 records per page', { recordsPerPage: 25 }, { proven: true }],
  ['25 of 100, and no links', { recordsPerPage: 25, nextLink: 'never' }, { proven: true }],
  [
    '25 of 100, no links and no total',
    { recordsPerPage: 25, nextLink: 'never', total: 'missing' },
    { proven: false },
  ],
  ['a short first page', { recordsOnFirstPage: 37 }, { proven: true }],
  ['a short first page, and no links', { recordsOnFirstPage: 37, nextLink: 'never' }, { proven: true }],
  ['an endless chain of next pages', { nextLink: 'always' }, { proven: true }],
  ['the first page for every page', { pageParameter: 'ignored' }, { proven: true }],
  ['the oldest patient on each page', { oldestOnEachPage: true }, { proven: true }],
  ['lists without the filter on created_at', { ignoredFilters: ['created_at'] }, { proven: true }],
  ['lists without the filter on ids', { ignoredFilters: ['id'] }, { proven: true }],
  ['lists without the filter on updated_at', { ignoredFilters: ['updated_at'] }, { proven: true }],
];

const PATIENTS = 301;

describe('a Cliniko that returns', () => {
  test.for(ODDITIES)('%s', async ([, behaviour, { proven }], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: PATIENTS, behaviour });
    for (const kind of ['sync-all', 'sync-all', 'sync-changed'] as const) {
      const log = await wholeSync(server, kind);
      expect(log).toMatchObject({ status: 'completed', records_failed: 0 });
      if (kind === 'sync-all') {
        expect(log.records_success).toBe(PATIENTS);
        expect(log.metadata.proof).toMatchObject({ proven });
        if (!proven) expect(log.metadata.proof?.reason).toMatch(/^Cliniko/);
      }
      expect(log.metadata).not.toHaveProperty('missing_marked');
      expect(log.metadata).not.toHaveProperty('missing_held');
    }
    const [row] = await connectInTest(databaseUrl)<{ stored: number; missing: number }[]>`
      select count(*)::int as stored, count(missing_since)::int as missing from patients`;
    expect(row).toEqual({ stored: PATIENTS, missing: 0 });
    expect(server.cliniko.requests.length).toBeLessThan(150);
  });
});

describe('a Cliniko that refuses lists in the order of archived_at', () => {
  test('is synced in every mode', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: PATIENTS });
    const { cliniko } = server;
    const isRefused = ({ query }: { query: string }) => query.includes('sort=archived_at');
    cliniko.faults.onRequests(isRefused, { kind: 'status', status: 400, body: 'json' });

    for (const kind of ['sync-all', 'sync-active', 'sync-changed'] as const) {
      expect(await wholeSync(server, kind), kind).toMatchObject({
        status: 'completed',
        metadata: { proof: { proven: true } },
      });
    }
    // One in each mode. Where answers are slow, a full sync may ask early and again.
    expect([3, 4]).toContain(cliniko.requests.filter(isRefused).length);
  });
});

describe('patients that no filter on created_at finds', () => {
  test('are stored by a full sync and counted in its proof', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 250 });
    const { people } = server.cliniko;
    const ids = [...people.ids()];
    for (const id of ids.slice(20, 70)) people.override(id, { created_at: null });

    const log = await wholeSync(server);
    expect(log).toMatchObject({
      records_success: 250,
      metadata: { proof: { seen: 250, total_at_end: 250, proven: true } },
    });
  });

  test('are stored when their created_at is in the future', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 250 });
    const { people } = server.cliniko;
    for (const id of [...people.ids()].slice(20, 70))
      people.override(id, { created_at: '2099-01-01T00:00:00Z' });

    expect(await wholeSync(server)).toMatchObject({
      records_success: 250,
      metadata: { proof: { proven: true } },
    });
  });

  test('are stored when their created_at is in the future and the clinic cannot be read by id', async ({
    databaseUrl,
  }) => {
    const behaviour = { total: 'one-too-high', ignoredFilters: ['id'] } as const;
    const server = await startTestServer(databaseUrl, { patients: 250, behaviour });
    const { people } = server.cliniko;
    for (const id of [...people.ids()].slice(200, 220))
      people.override(id, { created_at: '2099-01-01T00:00:00Z' });

    expect(await wholeSync(server)).toMatchObject({
      records_success: 250,
      metadata: { proof: { proven: false } },
    });
  });

  test('are stored when the totals are wrong, which do not show that there is one', async ({
    databaseUrl,
  }) => {
    const behaviour = { total: 'one-too-high' } as const;
    const server = await startTestServer(databaseUrl, { patients: 250, behaviour });
    const [one = ''] = server.cliniko.people.ids();
    server.cliniko.people.override(one, { created_at: null });

    expect(await wholeSync(server)).toMatchObject({
      records_success: 250,
      metadata: { proof: { seen: 250, total_at_end: 251, proven: false } },
    });
  });

  test('are stored when each total counts one page only', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const listed = scriptedSource(people(9));
    const whole = scriptedSource([...people(9), person(10, { created_at: null })]);
    const log = await engine.syncWith({
      ...whole,
      page: async (query, options) => {
        const isBounded = query.filters.some((filter) => filter.startsWith('created_at:<='));
        const isAfter = query.filters.some((filter) => filter.startsWith('created_at:>'));
        const { records } = await (isBounded ? listed : whole).page(query, options);
        const returned = isAfter ? [] : records;
        return { records: returned, totalEntries: returned.length, hasNext: false };
      },
    });
    expect(log.records_success).toBe(10);
  });

  test.for<[string, (now: string) => string | null]>([
    ['was just imported', (now) => now],
    ['has no created_at at all', () => null],
  ])(
    'are the whole clinic when it %s: the progress and the proof count them',
    async ([, createdAt], { databaseUrl }) => {
      const now = `${new Date().toISOString().slice(0, 19)}Z`;
      const server = await startTestServer(databaseUrl, { patients: 250 });
      const { people } = server.cliniko;
      for (const id of people.ids()) people.override(id, { created_at: createdAt(now) });

      const log = await wholeSync(server);
      expect(log.metadata.proof).toMatchObject({ seen: 250, total_at_end: 250, proven: true });
      const timeline = await server.api(`/cliniko/sync-logs/123/${log.id}/timeline`);
      const { events } = z
        .object({ events: z.array(z.object({ log: SyncLog })) })
        .parse(await timeline.json());
      const shown = events.map(({ log: { records_processed: processed, metadata } }) => ({
        processed,
        found: metadata.patients_found,
        percent: metadata.progress_percent,
      }));
      const running = shown.filter(({ processed }) => processed > 0 && processed < 250);
      expect(running.length).toBeGreaterThan(2);
      for (const { processed, found, percent } of running)
        expect({ found, percent }).toEqual({ found: 250, percent: processed / 2.5 });
    },
  );

  test('cost no request when there are none', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 250 });
    await wholeSync(server);
    // Three pages, the count without the filter, two lists of changes. Where answers are slow, the last page counts.
    expect(server.cliniko.requests.length).toBeLessThanOrEqual(6);
    const unfiltered = server.cliniko.requests.filter(({ query }) => !/_at:[<>]/.test(query));
    expect(unfiltered).toHaveLength(1);
  });
});

describe('a Cliniko that returns fewer ids than requested', () => {
  test('is requested again for the rest: none of them is marked missing', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const everyPatient = people(330);
    const whole = scriptedSource(everyPatient);
    // The list omits ten of them, and its total matches the others.
    const listed = scriptedSource(everyPatient.slice(10));
    const source: PatientSource = {
      ...whole,
      page: (query, options) => {
        const isList = !query.filters.some((filter) => filter.startsWith('id:='));
        return (isList ? listed : whole).page({ ...query, perPage: Math.min(query.perPage, 4) }, options);
      },
    };
    await engine.syncWith(whole);
    const log = await engine.syncWith(source);

    expect(log).toMatchObject({ records_success: 330, metadata: { proof: { proven: true } } });
    expect(log.metadata).not.toHaveProperty('missing_marked');
  });

  test('and never the rest proves nothing about the rest', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const everyPatient = people(330);
    const whole = scriptedSource(everyPatient);
    const listed = scriptedSource(everyPatient.slice(10));
    const source: PatientSource = {
      ...whole,
      page: async (query, options) => {
        if (!query.filters.some((filter) => filter.startsWith('id:='))) return listed.page(query, options);
        return { records: clinikoRecords(everyPatient.slice(0, 4)), totalEntries: 10, hasNext: true };
      },
    };
    await engine.syncWith(whole);
    const log = await engine.syncWith(source);

    expect(log.metadata).not.toHaveProperty('missing_marked');
    expect(log.metadata.proof).toMatchObject({ proven: false });
    expect(log.metadata.proof?.reason).toMatch(/neither returned .*: 6\.$/);
  });
});

describe('a page that contains a patient twice, instead of another one', () => {
  test('is reported with the total of the list and the number of its patients', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const whole = scriptedSource(people(250));
    const log = await engine.syncWith({
      ...whole,
      page: async (query, options) => {
        const page = await whole.page(query, options);
        const [first, , ...others] = page.records;
        if (first === undefined || others.length === 0) return page;
        return { ...page, records: [first, first, ...others] };
      },
    });
    expect(log.metadata.proof).toMatchObject({
      seen: 225,
      total_at_start: 250,
      total_at_end: 250,
      proven: false,
      reason: expect.stringContaining('total is 250, and its list returned 225 patients'),
    });
  });
});

describe('a Cliniko that turns empty after the first page', () => {
  test.for([5, 9, 25])('marks none of %i patients as missing', async (size, { databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const whole = scriptedSource(people(size));
    await engine.syncWith(whole);
    let requests = 0;
    const log = await engine.syncWith({
      ...whole,
      // Pages of 4, as some accounts return.
      page: async (query, options) =>
        requests++ < 1
          ? whole.page({ ...query, perPage: 4 }, options)
          : { records: [], totalEntries: 0, hasNext: false },
    });
    const [row] = await engine.sql<{ missing: number }[]>`
      select count(missing_since)::int as missing from patients`;
    expect(row).toEqual({ missing: 0 });
    // Many patients that disappear at once are an outage; a few may have been deleted, which an empty list does not prove.
    expect(log.metadata).toMatchObject(
      size < 10
        ? { phase: 'completed', proof: { proven: false, reason: expect.stringContaining('an empty list') } }
        : { phase: 'failed', error_type: 'CLINIKO_BAD_RESPONSE' },
    );
    const emptied = 'Cliniko returned an empty page where its list should have patients';
    expect(log.error_details).toBe(size < 10 ? null : emptied);
  });
});

describe('a Cliniko that returns the same page for every request', () => {
  test('fails the run with a clear error and keeps the stored patients', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const records = clinikoRecords(people(10));
    const source: PatientSource = {
      estimateWaitMs: () => 0,
      page: async () => ({ records, totalEntries: 300, hasNext: true }),
    };
    expect(await engine.syncWith(source)).toMatchObject({
      status: 'failed',
      records_success: 10,
      error_details: 'Cliniko returned the same page of its list again instead of the next one',
      metadata: { error_type: 'CLINIKO_BAD_RESPONSE' },
    });
  });
});
