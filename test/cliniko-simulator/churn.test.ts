import { describe, expect, test } from 'vitest';
import type { ClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { ALL_PATIENTS, askList, idsOf, list, open } from './support/requests.ts';

const STEADY = { filters: ALL_PATIENTS, sort: 'created_at:asc,id:asc', per_page: 10 };

async function walkOf(simulator: ClinikoSimulator, question: Parameters<typeof idsOf>[1]) {
  const before = [...simulator.people.ids()];
  const walked = await idsOf(simulator, question);
  const missed = before.filter((id) => !walked.includes(id));
  return { walked, missed, seenTwice: walked.length - new Set(walked).size };
}

describe('churn', () => {
  test('happens at its planned request, before or after the page', async () => {
    const simulator = await open({ patients: 10 });
    simulator.churn.before(2, (people) => people.add());
    simulator.churn.after(2, (people) => people.add());
    const totals: number[] = [];
    for (let request = 0; request < 3; request++) {
      totals.push((await list(simulator, { filters: ALL_PATIENTS })).total_entries);
    }
    expect(totals).toEqual([10, 11, 12]);
  });

  test('can be planned for a page, and happens once', async () => {
    const simulator = await open({ patients: 30 });
    simulator.churn.afterPage(2, (people) => people.add());
    simulator.churn.beforePage(3, (people) => people.add());
    await list(simulator, { ...STEADY, page: 3 });
    await list(simulator, { ...STEADY, page: 2 });
    await list(simulator, { ...STEADY, page: 2 });
    expect(simulator.people.countAll()).toBe(32);
  });

  test('can happen at every page, until it is cleared', async () => {
    const simulator = await open({ patients: 10 });
    const seen: (number | null)[] = [];
    simulator.churn.beforeEvery((people) => people.add());
    simulator.churn.afterEvery((_, request) => seen.push(request.page));
    await list(simulator, { page: 1 });
    await list(simulator, { page: 2 });
    simulator.churn.clear();
    await list(simulator);
    expect(simulator.people.countAll()).toBe(12);
    expect(seen).toEqual([1, 2]);
  });

  test('does not count requests that got no page', async () => {
    const simulator = await open({ patients: 10 });
    simulator.faults.onPage(1, { kind: 'status', status: 503, times: 1 });
    simulator.churn.before(1, (people) => people.add());
    await askList(simulator);
    expect(simulator.people.countAll()).toBe(10);
    await askList(simulator);
    expect(simulator.people.countAll()).toBe(11);
  });
});

describe('a page scan while the clinic changes', () => {
  test('misses patients when archiving moves the rows', async () => {
    const simulator = await open({ patients: 100 });
    simulator.churn.afterEvery((people, { page }) => people.archive(activeAt(simulator, (page ?? 1) - 1)));
    const { missed } = await walkOf(simulator, { per_page: 10 });
    expect(missed.length).toBeGreaterThan(6);
  });

  function activeAt({ people }: ClinikoSimulator, rank: number): string {
    const active = [...people.ids()].filter((id) => people.record(id).archived_at === null);
    return active[rank] ?? '';
  }

  test('misses no patient after archiving, edits and arrivals when it lists all in order of arrival', async () => {
    const simulator = await open({ patients: 100 });
    simulator.churn.afterEvery((people, { page }) => {
      people.archive(people.idOf(page ?? 0));
      people.edit(people.idOf(50 + (page ?? 0)));
      if (page === 4) people.add(5);
    });
    expect(await walkOf(simulator, STEADY)).toMatchObject({ missed: [], seenTwice: 0 });
  });

  test('misses a patient after a permanent deletion even then', async () => {
    const simulator = await open({ patients: 100 });
    simulator.churn.afterPage(3, (people) => people.hardDelete(people.idOf(5)));
    const next = simulator.people.idOf(30);
    expect((await walkOf(simulator, STEADY)).missed).toEqual([next]);
  });

  test('misses a patient after an edit when it sorts by updated_at', async () => {
    const simulator = await open({ patients: 100 });
    const first =
      (await list(simulator, { filters: ALL_PATIENTS, sort: 'updated_at:asc,id:asc' })).patients[0]?.id ?? '';
    simulator.churn.afterPage(1, (people) => people.edit(first));
    const { missed, seenTwice } = await walkOf(simulator, { ...STEADY, sort: 'updated_at:asc,id:asc' });
    expect([missed.length, seenTwice]).toEqual([1, 1]);
  });
});
