import { describe, expect, test } from 'vitest';
import type { ClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { ALL_PATIENTS, askList, idsOf, type ListQuestion, list, open } from './support/requests.ts';

describe('a filter on archived_at', () => {
  test('lists active patients, archived ones, or both', async () => {
    const { people, ...simulator } = await open({ patients: 200 });
    const total = async (...filters: string[]) =>
      (await list({ people, ...simulator }, { filters })).total_entries;
    const [all, active] = [people.countAll(), people.countActive()];
    expect(all - active).toBe(12);
    expect(await total()).toBe(active);
    expect(await total('archived_at:!?')).toBe(active);
    expect(await total('archived_at:*')).toBe(all);
    expect(await total('archived_at:?')).toBe(all - active);
    expect(await total('archived_at:?', 'archived_at:!?')).toBe(0);
    expect(await total('archived_at:*', 'archived_at:?')).toBe(all - active);
  });

  test('compares times, and finds archived patients by time', async () => {
    const simulator = await open({ patients: 200 });
    const id = simulator.people.idOf(3);
    simulator.people.archive(id);
    const { archived_at } = simulator.people.record(id);
    expect(await idsOf(simulator, { filters: [`archived_at:>=${archived_at}`] })).toEqual([id]);
    expect(await idsOf(simulator, { filters: [`archived_at:>${archived_at}`] })).toEqual([]);
  });

  test('is the only one that lists archived patients, unless the switch is set', async () => {
    const simulator = await open({ patients: 200 });
    const filters = ['id:>0'];
    expect((await list(simulator, { filters })).total_entries).toBe(simulator.people.countActive());
    simulator.behaviour.filteredListHidesArchived = false;
    expect((await list(simulator, { filters })).total_entries).toBe(simulator.people.countAll());
    expect((await list(simulator)).total_entries).toBe(simulator.people.countActive());
  });
});

describe('a filter on an id', () => {
  test('selects one, several, or all but some', async () => {
    const simulator = await open({ patients: 60 });
    const [a, b, c] = [0, 30, 59].map((position) => simulator.people.idOf(position));
    const find = (filter: string) => idsOf(simulator, { filters: [...ALL_PATIENTS, filter] });
    expect(await find(`id:=${b}`)).toEqual([b]);
    expect(await find(`id:=${c},1,${a},${a}`)).toEqual([a, c]);
    expect(await find(`id:!=${b}`)).toHaveLength(59);
    expect(await find(`id:>${b}`)).toHaveLength(29);
    expect(await find(`id:>=${b}`)).toHaveLength(30);
    expect(await find(`id:<${b}`)).toHaveLength(30);
    expect(await find('id:!?')).toEqual([]);
  });

  test('supports a keyset scan, always from page 1', async () => {
    const simulator = await open({ patients: 130 });
    const walked: string[] = [];
    for (let last: string | undefined = '0'; last !== undefined; last = walked.at(-1)) {
      const question = { filters: [...ALL_PATIENTS, `id:>${last}`], sort: 'id:asc', per_page: 40 };
      const page = await list(simulator, question);
      if (page.patients.length === 0) break;
      walked.push(...page.patients.map(({ id }) => id));
    }
    expect(walked).toEqual([...simulator.people.ids()]);
  });
});

describe('filters on patient fields', () => {
  async function openWithAda(): Promise<{ simulator: ClinikoSimulator; find: Find }> {
    const simulator = await open({ patients: 30 });
    simulator.people.create({
      first_name: 'Ada (M.)',
      last_name: 'Lovelorn 50%',
      email: 'ada@lovelorn.example',
      date_of_birth: '1915-12-10',
      old_reference_id: null,
    });
    const ada = simulator.people.idOf(30);
    const find = async (...filters: string[]) => (await idsOf(simulator, { filters })).includes(ada);
    return { simulator, find };
  }
  type Find = (...filters: string[]) => Promise<boolean>;

  test.each([
    ['first_name:=ada (m.)', true],
    ['first_name:=Ada', false],
    ['first_name:!=Ada', true],
    ['first_name:~(M', true],
    ['first_name:~~Ada%', true],
    ['first_name:~~%Ada', false],
    ['first_name:~~A%.)', true],
    ['last_name:~50%', true],
    ['last_name:~5%0', false],
    ['email:?', true],
    ['email:!?', false],
    ['old_reference_id:!?', true],
    ['old_reference_id:!=x', false],
    ['date_of_birth:=1915-12-10', true],
    ['date_of_birth:=****-12-**', true],
    ['date_of_birth:=****-11-**', false],
    ['date_of_birth:<1920-01-01', true],
    ['date_of_birth:>=1915-12-11', false],
    ['date_of_birth:?', true],
  ])('%s finds Ada: %s', async (filter, isFound) => {
    const { find } = await openWithAda();
    expect(await find(filter)).toBe(isFound);
  });

  test('are combined with AND', async () => {
    const { find } = await openWithAda();
    expect(await find('first_name:~ada', 'email:?')).toBe(true);
    expect(await find('first_name:~ada', 'email:!?')).toBe(false);
  });

  test('are case-sensitive when the switch is set', async () => {
    const { simulator, find } = await openWithAda();
    simulator.behaviour.textFilters = 'match-case';
    expect(await find('first_name:~ada')).toBe(false);
    expect(await find('first_name:~Ada')).toBe(true);
  });
});

describe('an invalid query', () => {
  test.each([
    ['notes:~x', 'notes is not filterable'],
    ['merged_at:?', 'merged_at is not filterable'],
    ['toString:?', 'toString is not filterable'],
    ['updated_at:>=2026-01-01T00:00:00+00:00', 'Timestamp needs to be in UTC format.'],
    ['updated_at:>=2026-01-01T00:00:00.000Z', 'Timestamp needs to be in UTC format.'],
    ['updated_at:>=2026-01-01T00:00:00', 'Timestamp needs to be in UTC format.'],
    ['updated_at:>=2026-01-01', 'Timestamp needs to be in UTC format.'],
    ['updated_at:>=2026-13-41T00:00:00Z', 'Timestamp needs to be in UTC format.'],
    ['id:=abc', 'Filter value for id must be a number'],
  ])('%s is refused with 400: %s', async (filter, message) => {
    const response = await askList(await open(), { filters: [filter] });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ message });
  });

  test.each<[string, ListQuestion]>([
    ['an operator the field does not have', { filters: ['created_at:=2026-01-01T00:00:00Z'] }],
    ['an unknown operator', { filters: ['email:like:x'] }],
    ['a date that is none', { filters: ['date_of_birth:=yesterday'] }],
    ['more ids than a list may name', { filters: [`id:=${'1,'.repeat(100)}1`] }],
    ['an order by something else', { sort: 'notes:asc' }],
    ['a direction that is none', { sort: 'id:up' }],
  ])('is %s', async (_, question) => {
    expect((await askList(await open(), question)).status).toBe(400);
  });

  test('may have fractions of a second when the switch is set', async () => {
    const simulator = await open({ behaviour: { fractionalSeconds: 'accept' } });
    expect((await askList(simulator, { filters: ['updated_at:>=2026-01-01T00:00:00.000Z'] })).status).toBe(
      200,
    );
  });
});

describe('the order', () => {
  test('can be reversed by the old parameter, for columns without a direction', async () => {
    const simulator = await open({ patients: 40 });
    const newestFirst = await idsOf(simulator, { sort: 'id:desc' });
    expect(newestFirst).toEqual((await idsOf(simulator)).toReversed());
    expect(await idsOf(simulator, { order: 'desc', sort: 'id' })).toEqual(newestFirst);
    expect(await idsOf(simulator, { order: 'desc', sort: 'id:asc' })).toEqual(newestFirst.toReversed());
  });

  test('of equal patients can be reversed as well', async () => {
    const simulator = await open({ patients: 0, now: () => new Date('2026-06-01T00:00:00Z') });
    const ids = simulator.people.add(5);
    expect(await idsOf(simulator, { sort: 'created_at:asc' })).toEqual(ids);
    simulator.behaviour.tieOrder = 'desc';
    expect(await idsOf(simulator, { sort: 'created_at:asc' })).toEqual(ids.toReversed());
    expect(await idsOf(simulator, { sort: 'created_at:asc,id:asc' })).toEqual(ids);
  });
});
