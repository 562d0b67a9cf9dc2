/** Changes in the clinics while they are read. The seed determines them; when they meet a page differs from run to run. */
import type { People } from '../src/cliniko-simulator/people.ts';
import { type Choice, SeededRandom } from '../src/cliniko-simulator/seeded-random.ts';
import { MARK } from './patient-data.ts';

/** Few deletions: most of the time a sync may mark the missing patients without a person. */
const CHANGES: Choice<'add' | 'edit' | 'archive' | 'unarchive' | 'merge' | 'hardDelete' | 'touch'> = [
  'add',
  'add',
  'add',
  'add',
  'edit',
  'edit',
  'edit',
  'touch',
  'archive',
  'unarchive',
  'merge',
  'hardDelete',
];
const TICK_MS = 200;
const ASPECT = 77;

interface ChangingClinic {
  people: People;
  /** The number of positions; grows with each added patient. */
  patients: number;
}

export function createChurn(
  clinics: readonly ChangingClinic[],
  { seed, changesPerSecond }: { seed: number; changesPerSecond: number },
) {
  const made: Record<string, number> = {};
  let changes = 0;
  const change = (): void => {
    changes += 1;
    const random = new SeededRandom(seed, changes, ASPECT);
    const clinic = clinics[random.below(clinics.length)];
    const what = random.pick(CHANGES);
    if (clinic === undefined || !perform(clinic, what, random, changes)) return;
    made[what] = (made[what] ?? 0) + 1;
  };
  const timer = setInterval(() => {
    for (let n = 0; n < (changesPerSecond * TICK_MS) / 1_000; n++) change();
  }, TICK_MS);
  return {
    patients: () => clinics.reduce((sum, { patients }) => sum + patients, 0),
    stop() {
      clearInterval(timer);
      return made;
    },
  };
}

/** @returns false when the chosen patient does not exist any more */
function perform(
  clinic: ChangingClinic,
  what: (typeof CHANGES)[number],
  random: SeededRandom,
  n: number,
): boolean {
  const { people } = clinic;
  if (what === 'add') {
    people.create({ first_name: `${MARK}${n}`, email: `${MARK}.${n}@post.example` });
    clinic.patients += 1;
    return true;
  }
  const id = people.idOf(random.below(clinic.patients));
  const other = people.idOf(random.below(clinic.patients));
  try {
    if (what === 'edit') people.edit(id, { last_name: `${MARK}${n}` });
    else if (what === 'touch') people.edit(id);
    else if (what !== 'merge') people[what](id);
    else if (id !== other) people.merge(id, other);
    return true;
  } catch {
    return false;
  }
}
