/**
 * Edits of the simulated clinic: those that its staff can make, and those that only a test can make.
 *
 * Edits carry the simulator's time. That clock never goes back, and never before the end of the generated history, so
 * every edit is later than all generated data.
 */
import type { Behaviour } from './behaviour.ts';
import { type PatientRecord, timestamp } from './person.ts';
import type { Population } from './population.ts';
import type { Facts } from './timeline.ts';

/** Every function that takes an id throws for an unknown id. */
export interface People {
  /** @returns the new ids, oldest first */
  add(count?: number): string[];
  create(overrides?: PatientRecord): string;
  /** Changes the record and `updated_at`; an empty patch changes only `updated_at`. */
  edit(id: string, patch?: PatientRecord): void;
  /** Changes the record as if it had always been so: `updated_at` stays. undefined removes a key. */
  override(id: string, patch: PatientRecord): void;
  archive(id: string): void;
  unarchive(id: string): void;
  merge(duplicate: string, survivor: string): void;
  hardDelete(id: string): void;
  /** The id of the nth patient (from 0) in order of arrival, deleted ones counted. */
  idOf(position: number): string;
  /** The record as it is served now. */
  record(id: string): PatientRecord;
  /** All existing patients, archived ones too, oldest first. */
  ids(): Iterable<string>;
  countAll(): number;
  countActive(): number;
}

export function createPeople(population: Population, behaviour: Behaviour, now: () => Date): People {
  let lastTick = population.drawnUntil;
  const tick = () => {
    lastTick = Math.max(lastTick, Math.floor(now().getTime() / 1000));
    return lastTick;
  };

  function find(id: string): number {
    const position = population.positionFrom(BigInt(id));
    const isThere = population.visibility(position) !== undefined && `${population.idAt(position)}` === id;
    if (!isThere) throw new Error(`The simulated clinic has no patient ${id}.`);
    return position;
  }

  function archiveWith(id: string, facts: Partial<Facts>): void {
    const bump = behaviour.archivingBumpsUpdatedAt ? { updatedAt: tick() } : {};
    population.change(find(id), { facts: { ...facts, ...bump } });
  }

  function create(overrides?: PatientRecord): string {
    const position = population.append(tick());
    if (overrides !== undefined) population.change(position, shownAs(overrides));
    return `${population.idAt(position)}`;
  }

  function* ids(): Generator<string> {
    for (let position = 0; position < population.size(); position++) {
      if (population.visibility(position) !== undefined) yield `${population.idAt(position)}`;
    }
  }

  return {
    create,
    ids,
    add: (count = 1) => Array.from({ length: count }, () => create()),
    edit: (id, patch = {}) => population.change(find(id), { patch, facts: { updatedAt: tick() } }),
    override: (id, patch) => population.change(find(id), shownAs(patch)),
    archive: (id) => archiveWith(id, { archivedAt: tick() }),
    unarchive: (id) => archiveWith(id, { archivedAt: null }),
    merge(duplicate, survivor) {
      find(survivor);
      archiveWith(duplicate, { archivedAt: tick(), mergedAt: lastTick, mergedInto: survivor });
    },
    hardDelete: (id) => population.change(find(id), { isGone: true }),
    idOf(position) {
      if (position < 0 || position >= population.size())
        throw new RangeError(`There is no position ${position}.`);
      return `${population.idAt(position)}`;
    },
    record: (id) => population.recordAt(find(id)),
    countAll: () => population.countBefore('all', population.size()),
    countActive: () => population.countBefore('active', population.size()),
  };
}

const TIMES = [
  ['created_at', 'createdAt'],
  ['updated_at', 'updatedAt'],
  ['archived_at', 'archivedAt'],
] as const;

/** Valid times are facts for filters and sorting; an invalid one is only displayed. */
function shownAs(overrides: PatientRecord): { facts: Partial<Facts>; patch: PatientRecord } {
  const facts: Partial<Facts> = {};
  const patch = { ...overrides };
  for (const [name, fact] of TIMES) {
    const time = overrides[name];
    if (isTimestamp(time)) facts[fact] = Date.parse(time) / 1000;
    else if (time === null) facts[fact] = null;
    else if (time !== undefined) continue;
    delete patch[name];
  }
  return { facts, patch };
}

function isTimestamp(value: unknown): value is string {
  return typeof value === 'string' && value === timestampOrNothing(value);
}

function timestampOrNothing(text: string): string | undefined {
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : timestamp(time / 1000);
}
