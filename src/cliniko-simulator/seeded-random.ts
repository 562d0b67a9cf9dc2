/**
 * Repeatable random values: the same seed, position and aspect always give the same value.
 *
 * No state is kept between two values, so person 900,000 can be generated without the ones before. Aspects are
 * independent of each other: a new phone number does not change a name.
 */

/** A list with at least one element. */
export type Choice<T> = readonly [T, ...T[]];

/** @param words separated by commas; lines may break between them */
export function oneOf(words: string): Choice<string> {
  const [first = '', ...others] = words.trim().split(/,\s+/);
  return [first, ...others];
}

/** A class instead of closures: a page generates several hundred of them. */
export class SeededRandom {
  #state: number;

  constructor(seed: number, position: number, aspect: number) {
    this.#state = roll(seed, position, aspect);
  }

  /** 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return scramble(this.#state) / 0x1_0000_0000;
  }

  /** A whole number, 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choice: Choice<T>): T {
    return choice[this.below(choice.length)] ?? choice[0];
  }
}

/** @returns a whole number, 0 to below 2^32 */
export function roll(seed: number, position: number, aspect: number): number {
  return scramble(scramble(scramble(seed) + position) + aspect);
}

/** The finalizer of MurmurHash3: neighbouring numbers end up far apart. */
function scramble(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
