/**
 * When the patients of a clinic arrived, changed and left, and their ids.
 *
 * Everything is arithmetic on a position (0 is the oldest), so a clinic of a million takes no memory. Binary search
 * finds a position from a time or an id: both grow with the position. Some neighbours share a second, as in reality.
 * Three of every fifty are archived, so the archived ones before a position can be counted.
 *
 * Not here: a person's data (person.ts), later changes (changes.ts).
 */
import { roll } from './seeded-random.ts';

/** The history of a record. Times are whole seconds since 1970, UTC. */
export interface Facts {
  /** Exact digits. */
  id: string;
  /** Null: the record has no such time, which only an override can cause. */
  createdAt: number | null;
  updatedAt: number | null;
  archivedAt: number | null;
  mergedAt: number | null;
  /** The id of the survivor. */
  mergedInto: string | null;
}

export interface Timeline {
  /** No generated time is later than this. */
  endsAt: number;
  createdAt(position: number): number;
  idAt(position: number): bigint;
  isArchived(position: number): boolean;
  /** The number of archived positions below this one. */
  archivedBefore(position: number): number;
  /** The position of this duplicate's survivor; null for a patient that was not merged. */
  survivorOf(position: number): number | null;
  factsAt(position: number): Facts;
}

/** Beyond this limit the ids of neighbours would collide. */
export const MOST_PEOPLE = 10_000_000;

const BEGINS_AT = Date.UTC(2019, 0, 1) / 1000;
const ENDS_AT = Date.UTC(2026, 0, 1) / 1000;
/** Cliniko's oldest region went from small ids to 64-bit ones at about this time. */
const BIG_IDS_SINCE = Date.UTC(2022, 1, 1) / 1000;
const FIRST_SMALL_ID = 41_000_000;
/** Chosen so that an id of 2024 has 19 digits and one of early 2022 has 18. */
const BIG_ID_EPOCH = Date.UTC(2018, 11, 1) / 1000;
/** Arrivals come in groups of 16; two of each group share a second. */
const GROUP = 16;
const BLOCK = 50;
const ARCHIVED_PER_BLOCK = 3;

const ASPECT = { arrival: 1, id: 2, archived: 3, left: 4, changed: 5 } as const;

/** An id in the current format: later is larger. `order` (below 2^33) distinguishes ids of one second. */
export function bigId(createdAt: number, order: number): bigint {
  return ((BigInt(createdAt - BIG_ID_EPOCH) * 1000n) << 23n) + BigInt(order);
}

export function timelineOf(seed: number, size: number): Timeline {
  const step = (ENDS_AT - BEGINS_AT) / Math.max(1, size);
  const smallIdGap = Math.max(1, Math.min(37, Math.floor(50_000_000 / Math.max(1, size))));
  const fraction = (position: number, aspect: number) => roll(seed, position, aspect) / 0x1_0000_0000;

  function createdAt(position: number): number {
    const arrival = position % GROUP === 7 ? position - 1 : position;
    return Math.floor(BEGINS_AT + (arrival + 0.9 * fraction(arrival, ASPECT.arrival)) * step);
  }

  function idAt(position: number): bigint {
    const noise = roll(seed, position, ASPECT.id);
    const created = createdAt(position);
    if (created < BIG_IDS_SINCE) return BigInt(FIRST_SMALL_ID + position * smallIdGap + (noise % smallIdGap));
    return bigId(created, (position % GROUP) * 0x8_0000 + (noise & 0x7_ffff));
  }

  const archive = archiveOf(seed, size);

  function factsAt(position: number): Facts {
    const created = createdAt(position);
    const facts = { id: `${idAt(position)}`, createdAt: created, mergedAt: null, mergedInto: null };
    const later = (from: number, aspect: number) =>
      Math.floor(from + fraction(position, aspect) * (ENDS_AT - from));
    if (archive.roleOf(position) === 'active') {
      const wasChanged = roll(seed, position, ASPECT.changed) % 10 >= 4;
      return { ...facts, updatedAt: wasChanged ? later(created, ASPECT.changed) : created, archivedAt: null };
    }
    const survivor = archive.survivorOf(position);
    const archivedAt = later(Math.max(created, createdAt(survivor ?? position)), ASPECT.left);
    if (survivor === null) return { ...facts, updatedAt: archivedAt, archivedAt };
    return {
      ...facts,
      updatedAt: archivedAt,
      archivedAt,
      mergedAt: archivedAt,
      mergedInto: `${idAt(survivor)}`,
    };
  }

  return {
    endsAt: ENDS_AT,
    createdAt,
    idAt,
    isArchived: (position) => archive.roleOf(position) !== 'active',
    archivedBefore: archive.countBefore,
    survivorOf: archive.survivorOf,
    factsAt,
  };
}

type Role = 'active' | 'archived' | 'duplicate' | 'duplicate of a duplicate';

/**
 * The archived positions: the same number in every block, at offsets that differ from block to block. Some are duplicates of the
 * active patient before them, or of such a duplicate.
 */
function archiveOf(seed: number, size: number) {
  const placesIn = (block: number) => {
    const noise = roll(seed, block, ASPECT.archived);
    const first = noise % BLOCK;
    // Always three different offsets: the second and third lie 1 to 24 and 25 to 49 after the first, modulo the block.
    return [first, (first + 1 + ((noise >>> 8) % 24)) % BLOCK, (first + 25 + ((noise >>> 16) % 25)) % BLOCK];
  };
  const blockOf = (position: number) => Math.floor(position / BLOCK);

  function roleOf(position: number): Role {
    const block = blockOf(position);
    const turn = placesIn(block).indexOf(position % BLOCK);
    if (turn === -1) return 'active';
    if (turn === 0 && block % 2 === 0) return 'duplicate';
    return turn === 1 && block % 4 === 0 ? 'duplicate of a duplicate' : 'archived';
  }

  const duplicateInBlockOf = (position: number) => {
    const block = blockOf(position);
    return block * BLOCK + (placesIn(block)[0] ?? 0);
  };

  function survivorOf(position: number): number | null {
    const role = roleOf(position);
    if (role === 'duplicate') return activeBefore(position);
    const first = duplicateInBlockOf(position);
    const chained = role === 'duplicate of a duplicate' && first < size && activeBefore(first) !== null;
    return chained ? first : null;
  }

  function activeBefore(position: number): number | null {
    let before = position - 1;
    while (before >= 0 && roleOf(before) !== 'active') before--;
    return before < 0 ? null : before;
  }

  return {
    roleOf,
    survivorOf,
    countBefore: (position: number) => {
      const inItsBlock = placesIn(blockOf(position)).filter((place) => place < position % BLOCK).length;
      return blockOf(position) * ARCHIVED_PER_BLOCK + inItsBlock;
    },
  };
}
