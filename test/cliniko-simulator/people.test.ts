import fc from 'fast-check';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { describe, expect, test } from 'vitest';
import { type Facts, timelineOf } from '../../src/cliniko-simulator/timeline.ts';
import { ALL_PATIENTS, ask, list, open, type Shown, walk } from './support/requests.ts';

async function allPatients(options: Parameters<typeof open>[0] = {}): Promise<Shown[]> {
  return walk(await open({ patients: 1000, ...options }), { filters: ALL_PATIENTS });
}

function share<T>(people: readonly T[], is: (person: T) => boolean): number {
  return people.filter(is).length / people.length;
}

interface Phone {
  number: string;
}

const phonesOf = ({ patient_phone_numbers }: Shown) => (patient_phone_numbers ?? []) as Phone[];

describe('the people of a clinic', () => {
  test('are the same for the same seed, on any port, and differ for another seed', async () => {
    const [first, again, other] = [await allPatients(), await allPatients(), await allPatients({ seed: 2 })];
    expect(again).toEqual(first);
    expect(other.map(({ email }) => email)).not.toEqual(first.map(({ email }) => email));
  });

  test('have small old ids and large new ones, as exact text, in order of arrival', async () => {
    const people = await allPatients();
    const ids = people.map(({ id }) => id);
    expect(ids.every((id) => typeof id === 'string' && /^\d+$/.test(id))).toBe(true);
    expect(share(ids, (id) => id.length <= 8)).toBeGreaterThan(0.3);
    expect(share(ids, (id) => id.length === 19)).toBeGreaterThan(0.3);
    expect(share(ids, (id) => id.length > 8 && BigInt(Number(id)) !== BigInt(id))).toBeGreaterThan(0.4);
    expect(ids).toEqual(ids.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1)));
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(people.map(({ created_at }) => created_at)).size).toBeLessThan(people.length);
  });

  test('are sometimes archived, some of them merged into an existing patient', async () => {
    const people = await allPatients();
    const ids = new Set(people.map(({ id }) => id));
    const merged = people.filter(({ merged_at }) => merged_at !== null);
    expect(share(people, ({ archived_at }) => archived_at !== null)).toBe(0.06);
    expect(merged.length).toBeGreaterThan(5);
    const survivors = merged.map(survivorOf);
    expect(survivors.every((survivor) => ids.has(survivor))).toBe(true);
    expect(merged.every(({ archived_at, merged_at }) => archived_at === merged_at)).toBe(true);
    const chained = merged.filter((person) => merged.some(({ id }) => id === survivorOf(person)));
    expect(chained.length).toBeGreaterThan(0);
  });

  function survivorOf({ merged_with_patient }: Shown): string {
    return (merged_with_patient as { links: { self: string } }).links.self.split('/').at(-1) ?? '';
  }

  test('have telephones as receptions type them: none, several, untidy, mostly good', async () => {
    const people = await allPatients();
    const phones = people.flatMap(phonesOf);
    expect(share(people, ({ patient_phone_numbers }) => patient_phone_numbers === null)).toBeGreaterThan(
      0.03,
    );
    expect(
      share(people, (person) => Array.isArray(person.patient_phone_numbers) && phonesOf(person).length === 0),
    ).toBeGreaterThan(0.03);
    expect(share(people, (person) => phonesOf(person).length > 1)).toBeGreaterThan(0.15);
    expect(share(phones, ({ number }) => /[ ()]/.test(number))).toBeGreaterThan(0.5);
    expect(share(phones, ({ number }) => /[a-z]/i.test(number))).toBeGreaterThan(0.02);
    const isValid = ({ number }: Phone) => parsePhoneNumberFromString(number, 'AU')?.isValid() ?? false;
    expect(share(phones, isValid)).toBeGreaterThan(0.85);
    expect(share(phones, isValid)).toBeLessThan(0.99);
  });

  test('have blank fields, shared families, and unusual spellings', async () => {
    const people = await allPatients();
    const shareOf = (is: (person: Shown) => boolean) => share(people, is);
    expect(shareOf(({ email }) => email === null)).toBeGreaterThan(0.02);
    expect(shareOf(({ email }) => email === '')).toBeGreaterThan(0.02);
    const emails = people.map(({ email }) => email).filter(Boolean);
    expect(new Set(emails).size).toBeLessThan(emails.length);
    const names = people.map(({ first_name, last_name }) => `${first_name}|${last_name}`);
    for (const oddity of [/'/, /’/, /[^\x20-\x7e’]/, /^ | \||\|$/, /null/]) {
      expect(share(names, (name) => oddity.test(name))).toBeGreaterThan(0);
    }
    expect(shareOf(({ custom_fields }) => custom_fields !== null)).toBeGreaterThan(0.2);
  });

  test('have records of about 2 kB each', async () => {
    const bytes = JSON.stringify(await allPatients()).length / 1000;
    expect(bytes).toBeGreaterThan(1600);
    expect(bytes).toBeLessThan(2200);
  });

  test('can write absent values in one style only', async () => {
    const nulls = await allPatients({
      patients: 100,
      behaviour: { emptyStyle: null, unsetAssociations: null },
    });
    expect(nulls.flatMap(Object.values).filter((value) => value === '').length).toBeLessThan(5);
    expect(nulls.every((person) => 'merged_with_patient' in person && 'latest_booking' in person)).toBe(true);
    const blanks = await allPatients({ patients: 100, behaviour: { emptyStyle: '' } });
    expect(blanks.filter(({ archived_at }) => archived_at === '')).toHaveLength(94);
    expect(
      blanks.some((person) => 'merged_with_patient' in person && person.merged_with_patient === null),
    ).toBe(false);
  });
});

describe('the generated history', () => {
  const clinic = fc.record({
    seed: fc.integer(),
    size: fc.integer({ min: 1, max: 10_000_000 }),
    at: fc.nat(),
  });

  test('is ascending: a later patient has a larger id and no earlier time', () => {
    fc.assert(
      fc.property(clinic, ({ seed, size, at }) => {
        const timeline = timelineOf(seed, size);
        for (let position = at % size; position < Math.min(size - 1, (at % size) + 40); position++) {
          expect(timeline.createdAt(position + 1)).toBeGreaterThanOrEqual(timeline.createdAt(position));
          expect(timeline.idAt(position + 1) > timeline.idAt(position)).toBe(true);
        }
      }),
    );
  });

  test('has no effect before its cause, or after the end', () => {
    fc.assert(
      fc.property(clinic, ({ seed, size, at }) => {
        const timeline = timelineOf(seed, size);
        const facts: Facts = timeline.factsAt(at % size);
        expect(facts.createdAt ?? Number.NaN).toBeLessThanOrEqual(facts.updatedAt ?? 0);
        expect(facts.archivedAt ?? facts.updatedAt).toBe(facts.updatedAt);
        expect(facts.updatedAt).toBeLessThanOrEqual(timeline.endsAt);
        const survivor = timeline.survivorOf(at % size);
        if (survivor !== null) expect(facts.mergedInto).toBe(`${timeline.idAt(survivor)}`);
      }),
    );
  });

  test('counts archived patients without generating any', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(400), (seed, size) => {
        const timeline = timelineOf(seed, 400);
        const counted = Array.from({ length: size }, (_, at) => timeline.isArchived(at)).filter(
          Boolean,
        ).length;
        expect(timeline.archivedBefore(size)).toBe(counted);
      }),
    );
  });
});

describe('an edit', () => {
  const clock = () => ({ time: new Date('2026-06-01T00:00:00Z') });

  test('has the time of the clock, which never goes back', async () => {
    const now = clock();
    const simulator = await open({ now: () => now.time });
    const id = simulator.people.idOf(5);
    simulator.people.edit(id, { first_name: 'Changed' });
    expect(simulator.people.record(id)).toMatchObject({
      first_name: 'Changed',
      updated_at: '2026-06-01T00:00:00Z',
    });
    now.time = new Date('2020-01-01T00:00:00Z');
    simulator.people.edit(id);
    expect(simulator.people.record(id).updated_at).toBe('2026-06-01T00:00:00Z');
  });

  test('by override keeps the history unchanged', async () => {
    const { people } = await open();
    const id = people.idOf(5);
    const before = people.record(id);
    people.override(id, { email: '', patient_phone_numbers: [{ number: 'n/a' }], first_name: undefined });
    expect(people.record(id)).toEqual({
      ...before,
      email: '',
      patient_phone_numbers: [{ number: 'n/a' }],
      first_name: undefined,
    });
    expect(JSON.stringify(people.record(id))).not.toContain('"first_name"');
    people.override(id, { updated_at: '2026-07-07T07:07:07Z', archived_at: '2026-07-07T07:07:07Z' });
    expect(people.countActive()).toBe(people.countAll() - 7 - 1);
    people.override(id, { updated_at: 'yesterday', id: 12 });
    expect(people.record(id)).toMatchObject({ updated_at: 'yesterday', id: 12 });
  });

  test('archives, and may leave updated_at alone', async () => {
    const now = clock();
    const { people, behaviour } = await open({ now: () => now.time });
    const id = [...people.ids()].find((candidate) => people.record(candidate).archived_at === null) ?? '';
    const { updated_at } = people.record(id);
    behaviour.archivingBumpsUpdatedAt = false;
    people.archive(id);
    expect(people.record(id)).toMatchObject({ archived_at: '2026-06-01T00:00:00Z', updated_at });
    behaviour.archivingBumpsUpdatedAt = true;
    people.unarchive(id);
    expect(people.record(id)).toMatchObject({ archived_at: null, updated_at: '2026-06-01T00:00:00Z' });
  });

  test('merges a duplicate into its survivor, with or without its contact data', async () => {
    const simulator = await open({ now: () => new Date('2026-06-01T00:00:00Z') });
    const { people, behaviour } = simulator;
    const survivor = people.idOf(2);
    const duplicate = people.create({ first_name: 'Twice' });
    people.merge(duplicate, survivor);
    const merged = people.record(duplicate);
    expect(merged).toMatchObject({ archived_at: '2026-06-01T00:00:00Z', merged_at: '2026-06-01T00:00:00Z' });
    expect(merged.merged_with_patient).toEqual({
      links: { self: expect.stringMatching(`/patients/${survivor}$`) },
    });
    expect(people.record(survivor)).not.toHaveProperty('merged_with_patient');
    behaviour.mergedContact = 'cleared';
    expect(people.record(duplicate).email || null).toBeNull();
  });

  test('adds people at the end, with the largest ids', async () => {
    const simulator = await open({ patients: 10 });
    const added = simulator.people.add(3);
    expect([...simulator.people.ids()].slice(10)).toEqual(added);
    const page = await list(simulator, { filters: ALL_PATIENTS });
    expect(page.patients.slice(10).map(({ id }) => id)).toEqual(added);
    expect(page.total_entries).toBe(13);
  });

  test('deletes permanently', async () => {
    const simulator = await open({ patients: 10 });
    const id = simulator.people.idOf(4);
    simulator.people.hardDelete(id);
    expect([...simulator.people.ids()]).not.toContain(id);
    expect(simulator.people.countAll()).toBe(9);
    expect(() => simulator.people.edit(id)).toThrow(id);
    expect((await ask(simulator, `/patients/${id}?q[]=archived_at:*`)).status).toBe(404);
    expect(simulator.people.idOf(4)).toBe(id);
    expect(() => simulator.people.idOf(10)).toThrow(RangeError);
  });
});
