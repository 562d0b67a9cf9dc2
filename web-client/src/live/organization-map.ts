/**
 * The states of all organizations, as an unchangeable map. A changed copy shares nearly everything with the one before: a `Map`
 * of 20,000 organizations, copied with each of their first snapshots, took 24 s of a processor.
 */
import type { OrganizationState } from './organization-state.ts';

type Bucket = ReadonlyMap<number, OrganizationState>;

/** A change copies one bucket, and the list of all. */
const BUCKETS = 256;
/** Rows of other programs may have an id below zero. */
const placeOf = (id: number): number => id & (BUCKETS - 1);

export class OrganizationMap implements ReadonlyMap<number, OrganizationState> {
  static readonly empty = new OrganizationMap(Array.from({ length: BUCKETS }, () => new Map()));

  readonly size: number;
  readonly #buckets: readonly Bucket[];

  private constructor(buckets: readonly Bucket[]) {
    this.#buckets = buckets;
    this.size = buckets.reduce((sum, bucket) => sum + bucket.size, 0);
  }

  /** @returns this map when no state is another one */
  with(states: readonly OrganizationState[]): OrganizationMap {
    const buckets = [...this.#buckets];
    const copies = new Map<number, Map<number, OrganizationState>>();
    for (const state of states) {
      const { organizationId: id } = state;
      if (this.get(id) === state) continue;
      const place = placeOf(id);
      const copy = copies.get(place) ?? new Map(this.#buckets[place]);
      copies.set(place, copy.set(id, state));
      buckets[place] = copy;
    }
    return copies.size === 0 ? this : new OrganizationMap(buckets);
  }

  get(id: number): OrganizationState | undefined {
    return this.#buckets[placeOf(id)]?.get(id);
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  *entries(): MapIterator<[number, OrganizationState]> {
    for (const bucket of this.#buckets) yield* bucket;
  }

  *keys(): MapIterator<number> {
    for (const bucket of this.#buckets) yield* bucket.keys();
  }

  *values(): MapIterator<OrganizationState> {
    for (const bucket of this.#buckets) yield* bucket.values();
  }

  [Symbol.iterator](): MapIterator<[number, OrganizationState]> {
    return this.entries();
  }

  forEach(
    call: (state: OrganizationState, id: number, map: ReadonlyMap<number, OrganizationState>) => void,
  ): void {
    for (const [id, state] of this) call(state, id, this);
  }
}
