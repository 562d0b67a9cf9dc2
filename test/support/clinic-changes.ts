/** Changes of a simulated clinic that a property test draws. */
import fc from 'fast-check';
import type { People } from '../../src/cliniko-simulator/people.ts';

const CHANGES = ['add', 'edit', 'archive', 'unarchive', 'merge', 'hardDelete', 'hardDelete'] as const;

export interface Change {
  what: (typeof CHANGES)[number];
  /** Which patient changes, as a fraction of the current list. */
  which: number;
}

export const change: fc.Arbitrary<Change> = fc.record({
  what: fc.constantFrom(...CHANGES),
  which: fc.double({ min: 0, max: 0.999, noNaN: true }),
});

export function perform(people: People, { what, which }: Change): void {
  const ids = [...people.ids()];
  const id = ids[Math.floor(which * ids.length)];
  const other = ids[Math.floor(which * 7919) % ids.length];
  if (what === 'add') people.add();
  else if (id === undefined || other === undefined) return;
  else if (what === 'edit') people.edit(id, { first_name: 'Edited' });
  else if (what !== 'merge') people[what](id);
  else if (id !== other) people.merge(id, other);
}
