import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClinikoError } from '../../src/cliniko/error.ts';
import type { PatientSource } from '../../src/cliniko/source.ts';
import { type WalkedPage, walkPages } from '../../src/sync/walk.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';

const query = { perPage: 10, filters: [], sort: 'created_at:asc,id:asc' };

async function walk(
  source: PatientSource,
  plan: { fromPage?: number; pageSize?: number; window?: number } = {},
) {
  const pages: WalkedPage[] = [];
  const { fromPage = 1, pageSize = null, window = 4 } = plan;
  for await (const page of walkPages(
    source,
    { query, fromPage, pageSize, window },
    { signal: AbortSignal.any([]) },
  )) {
    pages.push(page);
  }
  return pages;
}

const recordsOf = (pages: WalkedPage[]) => pages.flatMap((page) => page.records);

describe('a walk', () => {
  test('hands on every record once and in order, asks for each page once, and keeps to its window', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(130), fc.integer({ min: 1, max: 8 }), async (count, window) => {
        const clinic = people(count);
        const source = scriptedSource(clinic);
        const pages = await walk(source, { window });

        expect(recordsOf(pages)).toEqual(clinic);
        expect(source.asked).toEqual(pages.map((page) => page.number));
        expect(source.mostAtOnce).toBeLessThanOrEqual(window);
      }),
    );
  });

  test('goes on where an earlier one stopped', async () => {
    const clinic = people(55);
    expect(recordsOf(await walk(scriptedSource(clinic), { fromPage: 4, pageSize: 10 }))).toEqual(
      clinic.slice(30),
    );
  });

  test.for([
    ['names no total', { totalEntries: undefined }],
    ['gives no link to the next page', { hasNext: false }],
  ] as const)('reaches the end of a clinic that %s', async ([, lie]) => {
    const clinic = people(37);
    expect(recordsOf(await walk(scriptedSource(clinic, lie)))).toEqual(clinic);
  });

  test('ends with an error at a source that gives the same page again and again', async () => {
    const same = people(10);
    const source: PatientSource = {
      outlookMs: () => 0,
      page: async () => ({ records: same, totalEntries: 25, hasNext: true }),
    };
    await expect(walk(source)).rejects.toMatchObject({ failure: { kind: 'unreadable' } });
  });

  test('reads pages of the size that Cliniko gives, when that is less than asked for', async () => {
    const clinic = people(25);
    const source = scriptedSource(clinic);
    const smaller: PatientSource = {
      ...source,
      page: (asked, options) => source.page({ ...asked, perPage: 4 }, options),
    };

    expect(recordsOf(await walk(smaller))).toEqual(clinic);
  });

  test('fails on a page that cannot be read, after the pages before it', async () => {
    const source = scriptedSource(people(60));
    source.onPage(3, () => {
      throw new ClinikoError({ kind: 'unavailable', status: 503 });
    });
    const pages: number[] = [];
    const walking = async () => {
      const plan = { query, fromPage: 1, pageSize: null, window: 4 };
      for await (const page of walkPages(source, plan, { signal: AbortSignal.any([]) }))
        pages.push(page.number);
    };

    await expect(walking()).rejects.toMatchObject({ failure: { status: 503 } });
    expect(pages).toEqual([1, 2]);
  });

  test('takes an empty page where patients should be for an error, never for the end', async () => {
    const source = scriptedSource(people(60));
    source.onPage(3, () => ({ records: [], totalEntries: 60, hasNext: false }));

    await expect(walk(source)).rejects.toMatchObject({ failure: { kind: 'unreadable' } });
  });

  test('ends early when the clinic shrank while it walked', async () => {
    const source = scriptedSource(people(60));
    for (const page of [3, 4, 5, 6])
      source.onPage(page, () => ({ records: [], totalEntries: 20, hasNext: false }));

    expect(recordsOf(await walk(source))).toHaveLength(20);
  });
});

describe('a source that gives pages again', () => {
  const turns = (count: number, make: (page: number) => unknown[]): PatientSource => ({
    outlookMs: () => 0,
    page: async ({ page }) => ({ records: make(page % count), totalEntries: undefined, hasNext: true }),
  });

  test.for([
    ['one after the other', turns(2, (turn) => (turn === 0 ? people(10) : people(20).slice(10)))],
    ['of people without ids', turns(1, () => [{ first_name: 'Nobody' }])],
  ] as const)('%s is not walked for ever', async ([, source]) => {
    await expect(walk(source)).rejects.toThrow(ClinikoError);
  });
});
