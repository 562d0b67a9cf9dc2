/**
 * All patients of the clinic in order of arrival: those of the timeline, then those added later. An id grows with the
 * position, also across the two.
 *
 * Not here: changes of a patient after its arrival (population.ts).
 */
import { roll } from './seeded-random.ts';
import { bigId, type Facts, type Timeline, timelineOf } from './timeline.ts';
import type { Visibility } from './visibility-counts.ts';

export interface Arrivals
  extends Pick<Timeline, 'endsAt' | 'idAt' | 'createdAt' | 'archivedBefore' | 'factsAt'> {
  /** The number of positions. */
  size(): number;
  /** Ascending. */
  addedPositions(): number[];
  visibilityAt(position: number): Visibility;
  /** The patient whose data this one repeats: itself, or the survivor of a duplicate. */
  appearanceOf(position: number): number;
  /** @returns the new position */
  append(createdAt: number): number;
}

/** Keeps the ids of added patients separate from all generated values. */
const ID_ASPECT = 31;

export function createArrivals(seed: number, generated: number): Arrivals {
  const timeline = timelineOf(seed, generated);
  const added: { id: bigint; createdAt: number }[] = [];
  const size = () => generated + added.length;
  const idAt = (position: number) => added[position - generated]?.id ?? timeline.idAt(position);

  function factsAt(position: number): Facts {
    const late = added[position - generated];
    if (late === undefined) return timeline.factsAt(position);
    const unmarked = { archivedAt: null, mergedAt: null, mergedInto: null };
    return { id: `${late.id}`, createdAt: late.createdAt, updatedAt: late.createdAt, ...unmarked };
  }

  function appearanceOf(position: number): number {
    const survivor = position < generated ? timeline.survivorOf(position) : null;
    return survivor === null ? position : appearanceOf(survivor);
  }

  function append(createdAt: number): number {
    const position = size();
    const previous = position === 0 ? 0n : idAt(position - 1);
    const noise = roll(seed, position, ID_ASPECT) % 0x1000;
    const fromTime = bigId(createdAt, noise);
    added.push({ createdAt, id: fromTime > previous ? fromTime : previous + 1n + BigInt(noise) });
    return position;
  }

  return {
    endsAt: timeline.endsAt,
    size,
    addedPositions: () => added.map((_, index) => generated + index),
    createdAt: (position) => added[position - generated]?.createdAt ?? timeline.createdAt(position),
    idAt,
    visibilityAt: (position) =>
      position < generated && timeline.isArchived(position) ? 'archived' : 'active',
    archivedBefore: (position) => timeline.archivedBefore(Math.min(position, generated)),
    appearanceOf,
    factsAt,
    append,
  };
}
