/**
 * The catch-up scan that starts together with the last pages, at a Cliniko that takes noticeable time to answer. Its answers
 * count only while they are as good as those of a catch-up scan after the last page.
 */
import { describe, expect, onTestFinished, vi } from 'vitest';
import type { PageQuery, PatientSource } from '../../../src/cliniko/source.ts';
import type { SimulatedRequest } from '../../../src/cliniko-simulator/journal.ts';
import type { People } from '../../../src/cliniko-simulator/people.ts';
import { isProven } from '../../../src/sync/read/completeness.ts';
import { countWithLastPage } from '../../../src/sync/read/last-page-count.ts';
import { createdBound } from '../../../src/sync/read/start-time.ts';
import { scanWholeClinic } from '../../../src/sync/read/whole-clinic.ts';
import { connectInTest, test } from '../../support/database.ts';
import { holdPage } from '../../support/held-page.ts';
import { people, scriptedSource } from '../../support/scripted-source.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { wholeSync } from '../../support/whole-sync.ts';
import { crawlOf } from './support/crawl.ts';

/** Long enough for an early start. */
const LATENCY_MS = 90;

/** Three pages. */
const openClinic = (databaseUrl: string) =>
  startTestServer(databaseUrl, { patients: 250, latencyMs: LATENCY_MS });

const asksFor = (field: string) => (request: SimulatedRequest) => request.query.includes(`sort=${field}:asc`);
const isListPage = (number: number) => (request: SimulatedRequest) =>
  request.page === number && asksFor('created_at')(request);

const count = (server: TestServer, isMeant: (request: SimulatedRequest) => boolean) =>
  server.cliniko.requests.filter(isMeant).length;

/** Whether the run has begun early, as it does unless this machine takes much longer than Cliniko. */
function hasBegunEarly(server: TestServer): boolean {
  const last = server.cliniko.requests.find(isListPage(3));
  return last?.query.includes('created_at:<=') === false;
}

const firstNames = async (databaseUrl: string, id: string) =>
  await connectInTest(databaseUrl)`select first_name from patients where cliniko_patient_id = ${id}`;

function firstOf(people: People): string {
  const [id] = people.ids();
  if (id === undefined) throw new Error('The clinic is empty.');
  return id;
}

/** Edits a patient once such a request was answered. */
function editAfterFirst(
  { cliniko }: TestServer,
  isMeant: (request: SimulatedRequest) => boolean,
  id: string,
) {
  let isEdited = false;
  cliniko.churn.afterEvery((people, request) => {
    if (isEdited || !isMeant(request)) return;
    people.edit(id, { first_name: 'Edited' });
    isEdited = true;
  });
}

const PROVEN = { status: 'completed', metadata: { proof: { proven: true } } };

describe('a clinic that does not change', () => {
  test('is asked for its changes and its total while the last page has no answer', async ({
    databaseUrl,
  }) => {
    const server = await openClinic(databaseUrl);
    const release = holdPage(server, 3);
    const sync = wholeSync(server);
    await server.cliniko.requested(isListPage(3));
    if (hasBegunEarly(server))
      for (const field of ['updated_at', 'archived_at']) await server.cliniko.requested(asksFor(field));
    release();

    expect(await sync).toMatchObject({ ...PROVEN, records_success: 250 });
    expect(Math.max(...server.cliniko.requests.map(({ inFlight }) => inFlight))).toBeLessThanOrEqual(4);
  });
});

describe('a change after the early catch-up scan was answered', () => {
  test('is stored when the last page was delayed', async ({ databaseUrl }) => {
    const server = await openClinic(databaseUrl);
    const id = firstOf(server.cliniko.people);
    // More than any delay that an early catch-up scan accepts.
    server.cliniko.faults.onPage(3, { kind: 'slow', ms: 2_500 });
    editAfterFirst(server, asksFor('updated_at'), id);

    expect(await wholeSync(server)).toMatchObject({ ...PROVEN, records_success: 250 });
    expect(count(server, asksFor('updated_at'))).toBe(hasBegunEarly(server) ? 2 : 1);
    expect(await firstNames(databaseUrl, id)).toEqual([{ first_name: 'Edited' }]);
  });

  test('is stored when another change came before it', async ({ databaseUrl }) => {
    const server = await openClinic(databaseUrl);
    const { churn, people } = server.cliniko;
    const [first = '', second = ''] = people.ids();
    churn.beforePage(2, () => people.edit(first, { first_name: 'Edited' }));
    editAfterFirst(server, asksFor('updated_at'), second);

    expect(await wholeSync(server)).toMatchObject(PROVEN);
    for (const id of [first, second])
      expect(await firstNames(databaseUrl, id)).toEqual([{ first_name: 'Edited' }]);
  });
});

describe('early answers', () => {
  const CHANGES = 'updated_at:asc,id:asc';

  /**
   * @param answerMs what each answer takes
   * @param pauseMs of the writer, after the last page
   * @param isRetried the first list of changes never has an answer, because it waits for a retry
   */
  async function crawl({ answerMs = LATENCY_MS, pauseMs = 0, isRetried = false }) {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const clinic = scriptedSource(people(25));
    const asked: PageQuery[] = [];
    const slow: PatientSource = {
      ...clinic,
      page(query, options) {
        asked.push(query);
        vi.advanceTimersByTime(answerMs);
        const isFirstList = query.sort === CHANGES && listsOfChanges(asked).length === 1;
        if (!isRetried || !isFirstList) return clinic.page(query, options);
        return new Promise((_resolve, reject) => {
          options.signal.addEventListener('abort', () => reject(options.signal.reason));
          options.onWait?.({ until: new Date(Date.now() + 60_000), reason: 'retrying' });
        });
      },
    };
    const running = crawlOf(slow);
    const pages = scanWholeClinic(running);
    for (let number = 1; ; number++) {
      const page = await pages.next();
      if (page.done === true) return { asked, proven: isProven(running.position.coverage) };
      if (number === 3) vi.advanceTimersByTime(pauseMs);
    }
  }

  const listsOfChanges = (asked: readonly PageQuery[]) => asked.filter(({ sort }) => sort === CHANGES);

  test('are used when the run goes on at once', async () => {
    const { asked, proven } = await crawl({});
    expect(proven).toBe(true);
    expect(listsOfChanges(asked)).toHaveLength(1);
  });

  test.for([
    ['answers at once', 20],
    ['needs more than a second', 1_100],
  ] as const)('are not requested when Cliniko %s', async ([, answerMs]) => {
    const { asked, proven } = await crawl({ answerMs });
    expect(proven).toBe(true);
    const last = asked.findIndex(({ page, sort }) => page === 3 && sort === 'created_at:asc,id:asc');
    expect(asked[last]?.filters).toContainEqual(expect.stringContaining('created_at:<='));
    expect(listsOfChanges(asked.slice(0, last))).toEqual([]);
    expect(listsOfChanges(asked)).toHaveLength(1);
  });

  test('are not waited for when Cliniko has to be asked again', async () => {
    const { asked, proven } = await crawl({ isRetried: true });
    expect(proven).toBe(true);
    expect(listsOfChanges(asked)).toHaveLength(2);
  });

  test('are discarded when the run had to wait for a slot or for its database', async () => {
    const { asked, proven } = await crawl({ pauseMs: 2_500 });
    expect(proven).toBe(true);
    expect(listsOfChanges(asked)).toHaveLength(2);
  });
});

describe('a last page that was requested without the bound', () => {
  test.for([
    ['a new patient', (people: People): void => void people.add(), 251],
    ['a deleted patient', (people: People): void => people.hardDelete(firstOf(people)), 249],
    [
      'a new and a deleted patient, with the same total',
      (people: People) => {
        people.hardDelete(firstOf(people));
        people.add();
      },
      250,
    ],
  ] as const)('is requested again after %s', async ([, change, left], { databaseUrl }) => {
    const server = await openClinic(databaseUrl);
    const { churn, people } = server.cliniko;
    const before = [...people.ids()];
    churn.beforePage(3, () => change(people));

    expect(await wholeSync(server)).toMatchObject(PROVEN);
    expect(count(server, isListPage(3))).toBe(hasBegunEarly(server) ? 2 : 1);
    const after = [...people.ids()];
    expect(after).toHaveLength(left);
    const sql = connectInTest(databaseUrl);
    const rows = await sql<{ id: string }[]>`select cliniko_patient_id as id from patients`;
    const stored = new Set(rows.map((row) => row.id));
    expect(after.filter((id) => !stored.has(id))).toEqual([]);
    expect([...stored].every((id) => before.includes(id) || after.includes(id))).toBe(true);
  });

  test.for([
    ['no created_at', null],
    ['a created_at in the future', '2099-01-01T00:00:00Z'],
  ] as const)(
    'is not taken for the whole clinic when a patient has %s',
    async ([, created_at], { databaseUrl }) => {
      const server = await openClinic(databaseUrl);
      const { people } = server.cliniko;
      for (const id of [...people.ids()].slice(20, 70)) people.override(id, { created_at });
      expect(await wholeSync(server)).toMatchObject({ ...PROVEN, records_success: 250 });
    },
  );

  test('does not count the clinic when Cliniko returns fewer patients a page', async () => {
    const half: PatientSource = scriptedSource(people(24));
    const source = countWithLastPage(
      { ...half, page: (query, options) => half.page({ ...query, perPage: 5 }, options) },
      { bound: createdBound(new Date()), total: 24, isWanted: () => true },
    );
    const query = { page: 3, perPage: 10, filters: [], sort: 'created_at:asc,id:asc' };
    expect((await source.page(query, { signal: new AbortController().signal })).records).toHaveLength(5);
    expect(source.isWholeClinic()).toBe(false);
  });
});
