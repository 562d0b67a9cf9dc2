/**
 * A full crawl of a clinic that changes at any moment, at a Cliniko whose answers take any time, that is interrupted anywhere
 * and continued from its checkpoint. The writer is a set of ids: it stores what the crawl yields.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { limitConcurrentRequests } from '../../../src/cliniko/concurrent-requests.ts';
import { ClinikoError } from '../../../src/cliniko/error.ts';
import type { PatientSource } from '../../../src/cliniko/source.ts';
import type { Behaviour } from '../../../src/cliniko-simulator/behaviour.ts';
import { catchUpScan } from '../../../src/sync/read/catch-up-scan.ts';
import { isProven } from '../../../src/sync/read/completeness.ts';
import { type CrawlPosition, START } from '../../../src/sync/read/crawl-position.ts';
import type { FetchedPage } from '../../../src/sync/read/fetched-page.ts';
import { scanWholeClinic } from '../../../src/sync/read/whole-clinic.ts';
import { change } from '../../support/clinic-changes.ts';
import { crawlOf } from './support/crawl.ts';
import { openVirtualCliniko } from './support/virtual-cliniko.ts';

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'],
    now: Date.parse('2026-11-01T00:00:00Z'),
  });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What the database keeps of a run. */
interface Stored {
  ids: Set<string>;
  /** The keys that the run has counted. */
  seen: Set<string>;
  position: CrawlPosition;
}

/** Where an attempt stops. */
interface Interruption {
  /** After so many pages. */
  pages: number;
  /** This share of the last of them is stored. */
  share: number;
}

function store(stored: Stored, page: FetchedPage, count: number): void {
  const { records, newKeys, at, after } = page;
  for (const { id } of records.slice(0, count)) if (id !== undefined) stored.ids.add(id);
  for (const key of newKeys.slice(0, count)) if (key !== undefined) stored.seen.add(key);
  const isPart = count < records.length;
  // Only a numbered page is continued in its middle (write/batching.ts).
  if (!isPart) stored.position = after;
  else if (at.coverage.phase === 'page-scan') stored.position = { ...at, place: at.place + count };
}

type Outcome = 'interrupted' | 'ended' | 'failed';

/** A crawl that fails because of an inconsistent answer proves nothing. */
async function attempt(source: PatientSource, stored: Stored, end?: Interruption): Promise<Outcome> {
  try {
    return await crawlUntil(source, stored, end);
  } catch (error) {
    if (error instanceof ClinikoError) return 'failed';
    throw error;
  }
}

async function crawlUntil(source: PatientSource, stored: Stored, end?: Interruption): Promise<Outcome> {
  const stopped = new AbortController();
  const crawl = { ...crawlOf(source, stored.position), options: { signal: stopped.signal } };
  crawl.source = limitConcurrentRequests(source, crawl.ahead());
  for (const key of stored.seen) crawl.seen.add(key);
  let pages = 0;
  for await (const page of allPages(crawl)) {
    pages += 1;
    const isLast = pages === end?.pages;
    store(stored, page, isLast ? Math.floor(page.records.length * end.share) : page.records.length);
    if (!isLast) continue;
    stopped.abort();
    return 'interrupted';
  }
  stored.position = crawl.position;
  return 'ended';
}

async function* allPages(crawl: ReturnType<typeof crawlOf>): AsyncGenerator<FetchedPage> {
  yield* catchUpScan(crawl, yield* scanWholeClinic(crawl));
}

/** Lets the virtual time pass until this is done. */
async function inVirtualTime<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  done.catch(() => {}); // Returned below.
  while (!isDone) await vi.advanceTimersToNextTimerAsync();
  return done;
}

const BEHAVIOURS: Partial<Behaviour>[] = [
  {},
  { recordsPerPage: 4 },
  { recordsOnFirstPage: 7 },
  { nextLink: 'always' },
  { total: 'one-too-low' },
  { total: 'missing' },
  { tieOrder: 'desc' },
  { ignoredFilters: ['created_at'] },
  { ignoredFilters: ['updated_at'] },
];

test('has stored every patient that existed all the time when it is proven, and proves a clinic that does not change', async () => {
  const cases = fc.record({
    patients: fc.nat(60),
    behaviour: fc.constantFrom(...BEHAVIOURS),
    changes: fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 16 }),
    latenciesMs: fc.array(fc.integer({ min: 60, max: 400 }), { minLength: 1, maxLength: 12 }),
    interruptions: fc.array(
      fc.record({ pages: fc.integer({ min: 1, max: 6 }), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      { maxLength: 3 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ interruptions, ...clinic }) => {
      const { people, source } = openVirtualCliniko(clinic);
      const before = [...people.ids()];
      const stored: Stored = { ids: new Set(), seen: new Set(), position: START };
      let most = 0;
      let inFlight = 0;
      const counted: PatientSource = {
        ...source,
        async page(query, options) {
          most = Math.max(most, ++inFlight);
          return await source.page(query, options).finally(() => inFlight--);
        },
      };
      const ends = [...interruptions, undefined];
      let outcome: Outcome = 'interrupted';
      for (const end of ends)
        if (outcome === 'interrupted') outcome = await inVirtualTime(attempt(counted, stored, end));

      expect(most).toBeLessThanOrEqual(4 * ends.length);
      const isQuiet = clinic.behaviour === BEHAVIOURS[0] && clinic.changes.flat().length === 0;
      if (isQuiet) expect([outcome, isProven(stored.position.coverage)]).toEqual(['ended', true]);
      if (outcome === 'failed' || !isProven(stored.position.coverage)) return;
      const after = new Set(people.ids());
      expect(before.filter((id) => after.has(id) && !stored.ids.has(id))).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});
