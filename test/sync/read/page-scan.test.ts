import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { ClinikoError } from '../../../src/cliniko/error.ts';
import type { PatientSource } from '../../../src/cliniko/source.ts';
import { type NumberedPage, scanPages } from '../../../src/sync/read/page-scan.ts';
import { clinikoRecords, people, scriptedSource } from '../../support/scripted-source.ts';

const query = { perPage: 10, filters: [], sort: 'created_at:asc,id:asc' };

interface Asked {
  fromPage?: number;
  pageSize?: number;
  window?: number;
}

async function scanToEnd(source: PatientSource, { fromPage = 1, pageSize, window = 4 }: Asked = {}) {
  const recordsBefore = (fromPage - 1) * (pageSize ?? 0);
  const plan = { query, fromPage, recordsBefore, pageSize: pageSize ?? null, ahead: () => window };
  const scanning = scanPages(source, plan, { signal: AbortSignal.any([]) });
  const pages: NumberedPage[] = [];
  for (;;) {
    const page = await scanning.next();
    if (page.done === true) return { pages, ending: page.value };
    pages.push(page.value);
  }
}

const scan = async (source: PatientSource, asked?: Asked) => (await scanToEnd(source, asked)).pages;

const recordsOf = (pages: NumberedPage[]) =>
  pages.flatMap((page) => page.records.map((record) => record.parse()));

describe('a page scan', () => {
  test('yields every record once and in order, requests each page once, and respects its window', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(130), fc.integer({ min: 1, max: 8 }), async (count, window) => {
        const clinic = people(count);
        const source = scriptedSource(clinic);
        const pages = await scan(source, { window });

        expect(recordsOf(pages)).toEqual(clinic);
        // After a full last page one more request shows whether the total was one too low.
        const isFull = count > 0 && count % 10 === 0;
        expect(source.asked).toEqual([...pages, ...(isFull ? ['end'] : [])].map((_, index) => index + 1));
        expect(source.mostAtOnce).toBeLessThanOrEqual(window);
      }),
    );
  });

  test('requests the page after a full last page together with it, and does not count it', async () => {
    const source = scriptedSource(people(40));
    const requested = new Map<number, number>();
    let answered = 0;
    const noted: PatientSource = {
      ...source,
      async page(asked, options) {
        requested.set(asked.page, answered);
        const page = await source.page(asked, options);
        answered += 1;
        return page;
      },
    };
    const pages = await scan(noted);
    expect(pages.map(({ number, pages: known }) => [number, known])).toEqual([1, 2, 3, 4].map((n) => [n, 4]));
    // After the first answer all others are requested at once.
    expect([...requested]).toEqual([[1, 0], ...[2, 3, 4, 5].map((page) => [page, 1])]);
  });

  test('stops the request for a page that turns out not to be needed', async () => {
    const [before, after] = [scriptedSource(people(40)), scriptedSource(people(39))];
    let stopped: AbortSignal | undefined;
    const shrinking: PatientSource = {
      ...before,
      async page(asked, options) {
        if (asked.page < 4) return await before.page(asked, options);
        if (asked.page === 4) return await after.page(asked, options);
        stopped = options.signal;
        return await new Promise((_resolve, reject) => {
          options.signal.addEventListener('abort', () => reject(options.signal.reason));
        });
      },
    };
    expect((await scan(shrinking)).map(({ records }) => records.length)).toEqual([10, 10, 10, 9]);
    expect(stopped?.aborted).toBe(true);
  });

  test.for([
    ['is resumed after it', { fromPage: 5, pageSize: 10 }, {}],
    ['has no page after it', {}, { records: [], totalEntries: undefined, hasNext: false }],
    ['has another total after it', {}, { records: [], totalEntries: 39, hasNext: false }],
  ] as const)(
    'does not count the empty page after a full last page of a list that %s',
    async ([, asked, end]) => {
      const source = scriptedSource(people(40));
      const ending: PatientSource = {
        ...source,
        async page(query, options) {
          const page = await source.page(query, options);
          return query.page === 5 ? { ...page, ...end } : page;
        },
      };
      const pages = await scan(ending, asked);
      expect(new Set(pages.map(({ pages: known }) => known))).toEqual(new Set([4]));
    },
  );

  test('requests no page ahead while the run may not, and goes on ahead afterwards', async () => {
    const source = scriptedSource(people(80));
    let ahead = 0;
    const plan = { query, fromPage: 1, recordsBefore: 0, pageSize: null, ahead: () => ahead };
    const pages = scanPages(source, plan, { signal: AbortSignal.any([]) });
    for (const number of [1, 2]) {
      await pages.next();
      expect(source.asked.at(-1)).toBe(number);
    }
    ahead = 4;
    await pages.next();
    expect(source.asked).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('waits for a retry only with the page that is needed next', async () => {
    const clinic = people(60);
    const scripted = scriptedSource(clinic);
    let isAway = true;
    const waiting = new Set<number>();
    const untilBack: (() => void)[] = [];
    const source: PatientSource = {
      ...scripted,
      async page(asked, options) {
        if (!isAway || asked.page === 1) return await scripted.page(asked, options);
        waiting.add(asked.page);
        options.signal.addEventListener('abort', () => waiting.delete(asked.page));
        options.onWait?.({ until: new Date(Date.now() + 2_000), reason: 'retrying' });
        await new Promise<void>((resolve) => untilBack.push(resolve));
        options.signal.throwIfAborted();
        return await scripted.page(asked, options);
      },
    };
    const plan = { query, fromPage: 1, recordsBefore: 0, pageSize: null, ahead: () => 4 };
    const scanning = scanPages(source, plan, { signal: AbortSignal.any([]) });
    const pages = [await scanning.next()];
    const second = scanning.next();
    await vi.waitFor(() => expect([...waiting]).toEqual([2]));
    isAway = false;
    for (const go of untilBack) go();
    pages.push(await second);
    for (let page = await scanning.next(); page.done !== true; page = await scanning.next()) pages.push(page);
    const read = pages.flatMap(({ value }) => (typeof value === 'string' ? [] : [value]));
    expect(recordsOf(read)).toEqual(clinic);
    expect(scripted.asked.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('requests a page that gave up only when it is needed', async () => {
    const scripted = scriptedSource(people(60));
    const asked: number[] = [];
    const source: PatientSource = {
      ...scripted,
      async page(page, options) {
        asked.push(page.page);
        const isFirstOf5 = page.page === 5 && asked.filter((number) => number === 5).length === 1;
        if (isFirstOf5) options.onWait?.({ until: new Date(Date.now() + 2_000), reason: 'retrying' });
        options.signal.throwIfAborted();
        return await scripted.page(page, options);
      },
    };
    expect(recordsOf(await scan(source))).toHaveLength(60);
    // Page 7 shows whether the total was one too low.
    expect(asked).toEqual([1, 2, 3, 4, 5, 6, 7, 5]);
  });

  test('continues where an earlier one stopped', async () => {
    const clinic = people(55);
    expect(recordsOf(await scan(scriptedSource(clinic), { fromPage: 4, pageSize: 10 }))).toEqual(
      clinic.slice(30),
    );
  });

  test.for([
    ['reports no total', { totalEntries: undefined }],
    ['has no link to the next page', { hasNext: false }],
  ] as const)('reaches the end of a clinic that %s', async ([, lie]) => {
    const clinic = people(37);
    expect(recordsOf(await scan(scriptedSource(clinic, lie)))).toEqual(clinic);
  });

  test('adapts to the page size of Cliniko when it is smaller than requested', async () => {
    const clinic = people(25);
    const source = scriptedSource(clinic);
    const smaller: PatientSource = {
      ...source,
      page: (asked, options) => source.page({ ...asked, perPage: 4 }, options),
    };

    expect(recordsOf(await scan(smaller))).toEqual(clinic);
  });

  test('fails on an unreadable page, after it yielded the pages before it', async () => {
    const source = scriptedSource(people(60));
    source.onPage(3, () => {
      throw new ClinikoError({ kind: 'unavailable', status: 503 });
    });
    const pages: number[] = [];
    const scanning = async () => {
      const plan = { query, fromPage: 1, recordsBefore: 0, pageSize: null, ahead: () => 4 };
      for await (const page of scanPages(source, plan, { signal: AbortSignal.any([]) }))
        pages.push(page.number);
    };

    await expect(scanning()).rejects.toMatchObject({ failure: { status: 503 } });
    expect(pages).toEqual([1, 2]);
  });

  test('requests a page again when it is unexpectedly empty', async () => {
    const source = scriptedSource(people(60));
    source.onPage(3, () => ({ records: [], totalEntries: 60, hasNext: false }));

    expect(recordsOf(await scan(source))).toHaveLength(60);
  });

  test('treats an empty first page of a list with patients as an error, never as the end', async () => {
    const source = scriptedSource(people(60), { records: [] });
    await expect(scan(source)).rejects.toMatchObject({ failure: { kind: 'unreadable' } });
  });

  test('ends when the first page is shorter than the others, and yields each record once', async () => {
    const clinic = people(64);
    const source: PatientSource = {
      estimateWaitMs: () => 0,
      page: async ({ page }) => {
        const from = page === 1 ? 0 : 4 + (page - 2) * 10;
        const records = clinikoRecords(clinic.slice(from, page === 1 ? 4 : from + 10));
        return { records, totalEntries: 64, hasNext: from + records.length < 64 };
      },
    };
    expect(recordsOf(await scan(source))).toEqual(clinic);
  });

  test.for([400, 404, 422])(
    'treats a %i after the last page as the end, and one instead of the first page as an error',
    async (status) => {
      const source = scriptedSource(people(37), { totalEntries: 41 });
      const refuse = () => {
        throw new ClinikoError({ kind: 'unreadable', status });
      };
      source.onPage(5, refuse);
      expect(recordsOf(await scan(source))).toHaveLength(37);
      source.onPage(1, refuse);
      await expect(scan(source)).rejects.toMatchObject({ failure: { status } });
    },
  );

  test('ends early when the clinic shrank during the scan', async () => {
    const [before, after] = [scriptedSource(people(60)), scriptedSource(people(20))];
    const source: PatientSource = {
      ...before,
      page: (asked, options) => (asked.page < 3 ? before : after).page(asked, options),
    };

    expect(recordsOf(await scan(source))).toHaveLength(20);
  });
});

describe('a source that repeats pages', () => {
  const turns = (count: number, make: (page: number) => unknown[]): PatientSource => ({
    estimateWaitMs: () => 0,
    page: async ({ page }) => ({
      records: clinikoRecords(make(page % count)),
      totalEntries: undefined,
      hasNext: true,
    }),
  });

  test.for([
    ['the same page', turns(1, () => people(10))],
    ['two pages in alternation', turns(2, (turn) => (turn === 0 ? people(10) : people(20).slice(10)))],
    ['a page of patients without ids', turns(1, () => [{ first_name: 'Nobody' }])],
  ] as const)('%s does not make the scan endless', async ([, source]) => {
    const { pages, ending } = await scanToEnd(source);
    expect(pages.length).toBeLessThanOrEqual(2);
    expect(ending).toBe('repeated');
  });
});
