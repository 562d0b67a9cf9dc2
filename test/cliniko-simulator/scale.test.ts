import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { ALL_PATIENTS, list, open, type ShownPage } from './support/requests.ts';

const MILLION = 1_000_000;
const STEADY = { filters: ALL_PATIENTS, sort: 'created_at:asc,id:asc', per_page: 100 };

/** Live memory: without a garbage collection first, the figure would mostly be garbage. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('a clinic of a million patients', () => {
  test('needs no memory to open or to scan', async () => {
    const before = heldBytes();
    const simulator = await open({ patients: MILLION });
    for (let page = 1; page <= 10_000; page += 100) await list(simulator, { ...STEADY, page });
    // A million records would hold some 2 GB, and one object for each of them dozens of megabytes.
    expect(heldBytes() - before).toBeLessThan(20 * 1024 * 1024);
  });

  test('finds a page at any depth without generating those before', async () => {
    const simulator = await open({ patients: MILLION });
    const { people } = simulator;
    const idsAt = async (page: number, question = STEADY) =>
      (await list(simulator, { ...question, page })).patients.map(({ id }) => id);
    const positions = (from: number) => Array.from({ length: 100 }, (_, index) => people.idOf(from + index));
    expect(await idsAt(1)).toEqual(positions(0));
    expect(await idsAt(5_000)).toEqual(positions(499_900));
    expect(await idsAt(10_000)).toEqual(positions(999_900));
    expect(await idsAt(10_000, { ...STEADY, sort: 'id:desc' })).toEqual(positions(0).toReversed());
    expect(await idsAt(10_001)).toEqual([]);
  });

  test('keeps its pages in place around edits, deletions and arrivals', async () => {
    const simulator = await open({ patients: MILLION });
    const { people } = simulator;
    people.hardDelete(people.idOf(10));
    people.archive(people.idOf(20));
    const [added] = people.add();
    const last = await list(simulator, { ...STEADY, page: 10_000 });
    expect(last.patients.map(({ id }) => id)).toEqual([...range(999_901, MILLION, people.idOf), added]);
    expect(last.total_entries).toBe(MILLION);
    expect((await list(simulator)).total_entries).toBe(people.countActive());
  });

  test('finds patients changed since the start at once', async () => {
    const simulator = await open({ patients: MILLION, now: () => new Date('2026-06-01T00:00:00Z') });
    const { people } = simulator;
    const touched = [people.idOf(7), people.idOf(900_000)];
    for (const id of touched) people.edit(id);
    const [added = ''] = people.add();
    const filters = [...ALL_PATIENTS, 'updated_at:>=2026-05-31T23:58:00Z'];
    const page: ShownPage = await list(simulator, { filters, sort: 'updated_at:asc,id:asc' });
    expect(page.patients.map(({ id }) => id)).toEqual([...touched, added]);
  });

  function range(from: number, to: number, idOf: (position: number) => string): string[] {
    return Array.from({ length: to - from }, (_, index) => idOf(from + index));
  }
});
