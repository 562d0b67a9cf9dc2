/**
 * All patients of the clinic in order of arrival: those generated from the seed, then those added later.
 *
 * Only differences from the generated data are stored, so memory grows with the edits and not with the patients. The
 * number of active or archived patients before a position is arithmetic plus a lookup in four short lists, so any page
 * of a plain scan is found at once, at any depth.
 *
 * Not here: the meaning of an edit (people.ts), filters and other orders (selection.ts).
 */
import type { Behaviour } from './behaviour.ts';
import { drawRecord, type PatientRecord } from './person.ts';
import { roll } from './seeded-random.ts';
import { firstWhere, type SortedPositions, sortedPositions } from './sorted-positions.ts';
import { bigId, type Facts, timelineOf } from './timeline.ts';

type Visibility = 'active' | 'archived';
/** The patients that a list includes. */
export type View = Visibility | 'all';

interface Change {
  facts?: Partial<Facts>;
  /** Replaces generated values; undefined removes the key. */
  patch?: PatientRecord;
  isGone?: true;
}

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

/** Keeps the ids of added patients separate from all generated values. */
const ID_ASPECT = 31;

export interface PopulationPlan {
  seed: number;
  patients: number;
  linkBase: string;
  behaviour: Behaviour;
}

export function createPopulation({ seed, patients, linkBase, behaviour }: PopulationPlan): Population {
  const timeline = timelineOf(seed, patients);
  const added: { id: bigint; createdAt: number }[] = [];
  const changes = new Map<number, Change>();
  const census = trackVisibility((position) =>
    position < patients && timeline.isArchived(position) ? 'archived' : 'active',
  );
  let version = 0;
  let redated = false;

  const size = () => patients + added.length;
  const createdAt = (position: number) =>
    added[position - patients]?.createdAt ?? timeline.createdAt(position);
  const idAt = (position: number) => added[position - patients]?.id ?? timeline.idAt(position);

  function drawnFacts(position: number): Facts {
    const late = added[position - patients];
    if (late === undefined) return timeline.factsAt(position);
    const unmarked = { archivedAt: null, mergedAt: null, mergedInto: null };
    return { id: `${late.id}`, createdAt: late.createdAt, updatedAt: late.createdAt, ...unmarked };
  }

  function factsAt(position: number): Facts {
    const changed = changes.get(position)?.facts;
    return changed === undefined ? drawnFacts(position) : { ...drawnFacts(position), ...changed };
  }

  function appearanceOf(position: number): number {
    const survivor = position < patients ? timeline.survivorOf(position) : null;
    return survivor === null ? position : appearanceOf(survivor);
  }

  function recordAt(position: number): PatientRecord {
    const facts = factsAt(position);
    const drawn = drawRecord({
      seed,
      position,
      looksLike: appearanceOf(position),
      facts,
      linkBase,
      behaviour,
    });
    const patch = changes.get(position)?.patch;
    return patch === undefined ? drawn : { ...drawn, ...patch };
  }

  function countBefore(view: View, position: number): number {
    const archived = timeline.archivedBefore(Math.min(position, patients));
    const drawn = { archived, active: position - archived };
    const of = (visibility: Visibility) => drawn[visibility] + census.surplusBefore(visibility, position);
    return view === 'all' ? of('active') + of('archived') : of(view);
  }

  function append(createdNow: number): number {
    version++;
    const position = size();
    const previous = position === 0 ? 0n : idAt(position - 1);
    const noise = roll(seed, position, ID_ASPECT) % 0x1000;
    const fromTime = bigId(createdNow, noise);
    added.push({ createdAt: createdNow, id: fromTime > previous ? fromTime : previous + 1n + BigInt(noise) });
    return position;
  }

  function change(position: number, { facts, patch, isGone }: Change): void {
    version++;
    const before = changes.get(position) ?? {};
    changes.set(position, {
      ...before,
      ...(facts === undefined ? {} : { facts: { ...before.facts, ...facts } }),
      ...(patch === undefined ? {} : { patch: { ...before.patch, ...patch } }),
      ...(isGone === undefined ? {} : { isGone }),
    });
    redated ||= facts?.createdAt !== undefined;
    census.note(position, visibility(position));
  }

  function visibility(position: number): Visibility | undefined {
    if (position < 0 || position >= size()) return undefined;
    const changed = changes.get(position);
    if (changed?.isGone) return undefined;
    if (changed?.facts?.archivedAt !== undefined)
      return changed.facts.archivedAt === null ? 'active' : 'archived';
    return census.drawn(position);
  }

  return {
    size,
    version: () => version,
    drawnUntil: timeline.endsAt,
    createdAt,
    isRedated: () => redated,
    idAt,
    positionFrom: (id) => firstWhere(0, size(), (position) => idAt(position) >= id),
    visibility,
    factsAt,
    recordAt,
    countBefore,
    positionAt: (view, rank) => firstWhere(0, size(), (position) => countBefore(view, position + 1) > rank),
    touched: () => touchedPositions(changes.keys(), patients, size()),
    append,
    change,
  };
}

function touchedPositions(changed: Iterable<number>, patients: number, size: number): number[] {
  const late = Array.from({ length: size - patients }, (_, index) => patients + index);
  const early = [...changed].filter((position) => position < patients).sort((a, b) => a - b);
  return [...early, ...late];
}

/**
 * Patients whose status differs from the generated one: for each status, those that left it and those that joined it.
 */
function trackVisibility(drawn: (position: number) => Visibility) {
  const moves: Record<Visibility, { left: SortedPositions; joined: SortedPositions }> = {
    active: { left: sortedPositions(), joined: sortedPositions() },
    archived: { left: sortedPositions(), joined: sortedPositions() },
  };

  function note(position: number, now: Visibility | undefined): void {
    for (const visibility of ['active', 'archived'] as const) {
      const { left, joined } = moves[visibility];
      const [wasThere, isThere] = [drawn(position) === visibility, now === visibility];
      if (wasThere && !isThere) left.add(position);
      else left.remove(position);
      if (isThere && !wasThere) joined.add(position);
      else joined.remove(position);
    }
  }

  const surplusBefore = (visibility: Visibility, position: number) =>
    moves[visibility].joined.countBelow(position) - moves[visibility].left.countBelow(position);
  return { drawn, note, surplusBefore };
}
