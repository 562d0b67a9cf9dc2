/**
 * The patients of the clinic as they are now: their arrivals (arrivals.ts) with all later changes (changes.ts). Any page of a
 * plain scan is found at once, at any depth (visibility-counts.ts).
 *
 * Not here: the meaning of an edit (people.ts), filters and other orders (selection.ts).
 */
import { createArrivals } from './arrivals.ts';
import type { Behaviour } from './behaviour.ts';
import { type Change, createChanges } from './changes.ts';
import { drawRecord, type PatientRecord } from './person.ts';
import { firstWhere } from './sorted-positions.ts';
import type { Facts } from './timeline.ts';
import { createVisibilityCounts, type View, type Visibility } from './visibility-counts.ts';

export interface Population {
  /** The number of positions, including those of deleted patients. */
  size(): number;
  /** Grows with every edit. */
  version(): number;
  /** No generated patient was created, changed or archived after this; seconds since 1970. */
  readonly drawnUntil: number;
  createdAt(position: number): number;
  /** Whether `created_at` of some record differs from its time of arrival. */
  isRedated(): boolean;
  idAt(position: number): bigint;
  /** The first position whose id is not below this one. */
  positionFrom(id: bigint): number;
  /** Undefined: permanently deleted, or never existed. */
  visibility(position: number): Visibility | undefined;
  factsAt(position: number): Facts;
  recordAt(position: number): PatientRecord;
  countBefore(view: View, position: number): number;
  /** The position of the `rank`th (from 0) of a view. */
  positionAt(view: View, rank: number): number;
  /** Positions of all patients changed or added since the start, ascending. */
  touched(): number[];
  append(createdAt: number): number;
  change(position: number, change: Change): void;
}

export interface PopulationOptions {
  seed: number;
  patients: number;
  linkBase: string;
  behaviour: Behaviour;
}

export function createPopulation({ seed, patients, linkBase, behaviour }: PopulationOptions): Population {
  const arrivals = createArrivals(seed, patients);
  const changes = createChanges();
  const counts = createVisibilityCounts(arrivals);
  const { size, idAt, createdAt } = arrivals;

  function factsAt(position: number): Facts {
    const changed = changes.at(position)?.facts;
    const drawn = arrivals.factsAt(position);
    return changed === undefined ? drawn : { ...drawn, ...changed };
  }

  function recordAt(position: number): PatientRecord {
    const looksLike = arrivals.appearanceOf(position);
    const facts = factsAt(position);
    const drawn = drawRecord({ seed, position, looksLike, facts, linkBase, behaviour });
    const patch = changes.at(position)?.patch;
    return patch === undefined ? drawn : { ...drawn, ...patch };
  }

  function visibility(position: number): Visibility | undefined {
    if (position < 0 || position >= size()) return undefined;
    const changed = changes.at(position);
    if (changed?.isGone) return undefined;
    const archivedAt = changed?.facts?.archivedAt;
    if (archivedAt === undefined) return arrivals.visibilityAt(position);
    return archivedAt === null ? 'active' : 'archived';
  }

  function touched(): number[] {
    const early = changes.positions().filter((position) => position < patients);
    return [...early, ...arrivals.addedPositions()];
  }

  return {
    size,
    version: () => changes.count() + size(),
    drawnUntil: arrivals.endsAt,
    createdAt,
    isRedated: changes.isRedated,
    idAt,
    positionFrom: (id) => firstWhere(size(), (position) => idAt(position) >= id),
    visibility,
    factsAt,
    recordAt,
    countBefore: counts.before,
    positionAt: (view, rank) => firstWhere(size(), (position) => counts.before(view, position + 1) > rank),
    touched,
    append: arrivals.append,
    change(position, change) {
      changes.add(position, change);
      counts.note(position, visibility(position));
    },
  };
}
