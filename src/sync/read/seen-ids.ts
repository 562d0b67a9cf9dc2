/**
 * The ids that a run has read, so that a patient counts once, even when the run is resumed.
 *
 * A run keeps the ids of a whole clinic, and a server's memory should stay small for large clinics. So this set takes 16 to
 * 32 bytes per id, where a `Set` of strings takes about 80.
 *
 * It is a hash table with open addressing over the ids as numbers. Cliniko's ids have up to 19 digits, which fit in 64 bits.
 */
import { randomBytes } from 'node:crypto';
import type { Database } from '../../database/open.ts';

/** Any other key of a record (a hash, leading zeros) is stored as text. 0 marks a free slot. */
const NUMERAL = /^[1-9][0-9]{0,18}$/;

const FIRST_SLOTS = 1_024;
const HASH_BITS = 64n;

export class SeenIds {
  readonly #texts = new Set<string>();
  /** Random per set, so that ids cannot be chosen to collide. Odd, so that no two ids have the same 64-bit hash. */
  readonly #multiplier = randomBytes(8).readBigUInt64LE() | 1n;
  #slots = new BigUint64Array(FIRST_SLOTS);
  /** The high bits of a hash select the slot: they depend on every digit, the low bits do not. */
  #shift = HASH_BITS - BigInt(Math.log2(FIRST_SLOTS));
  #taken = 0;

  get size(): number {
    return this.#texts.size + this.#taken;
  }

  has(id: string): boolean {
    if (!NUMERAL.test(id)) return this.#texts.has(id);
    const value = BigInt(id);
    return this.#slots[this.#slotOf(value)] === value;
  }

  /** @returns false when the set has it already */
  add(id: string): boolean {
    const before = this.size;
    if (NUMERAL.test(id)) this.#addNumber(BigInt(id));
    else this.#texts.add(id);
    return this.size > before;
  }

  #addNumber(value: bigint): void {
    const slot = this.#slotOf(value);
    if (this.#slots[slot] === value) return;
    this.#slots[slot] = value;
    this.#taken += 1;
    if (this.#taken * 2 > this.#slots.length) this.#grow();
  }

  /** The index of its slot, or of the free slot where it would be stored. */
  #slotOf(value: bigint): number {
    const last = this.#slots.length - 1;
    const hash = BigInt.asUintN(Number(HASH_BITS), value * this.#multiplier);
    let slot = Number(hash >> this.#shift);
    while (this.#slots[slot] !== 0n && this.#slots[slot] !== value) slot = (slot + 1) & last;
    return slot;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new BigUint64Array(before.length * 2);
    this.#shift -= 1n;
    for (const value of before) if (value !== 0n) this.#slots[this.#slotOf(value)] = value;
  }
}

const READ_AT_ONCE = 100;

/** The ids that earlier attempts of a run have stored. */
export async function readSeenIds({ sql }: Database, syncLogId: number): Promise<SeenIds> {
  const seen = new SeenIds();
  const rows = sql<{ cliniko_patient_ids: string[] }[]>`
    select cliniko_patient_ids from sync_seen where sync_log_id = ${syncLogId}`;
  await rows.cursor(READ_AT_ONCE, (batches) => {
    for (const { cliniko_patient_ids } of batches) for (const id of cliniko_patient_ids) seen.add(id);
  });
  return seen;
}
