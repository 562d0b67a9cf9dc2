/**
 * A copy of a clinic's patients, kept by a program that follows their changes: each change makes it read that patient by its id. At
 * the end it equals the table.
 *
 * Reads changed patients in groups and keeps digests: test/support/patient-copies.ts, which reads one row for each change, is too slow
 * for a hundred thousand patients.
 */
import type { PatientChange } from '#contract/patient-change.ts';
import { IDS_ONLY } from '../test/support/ids-only.ts';
import type { Findings } from './findings.ts';

const DENSE = 'the changes of patients arrive without a gap, and none twice';
const EQUAL = 'a copy that follows the changes equals the table';
const KNOWN = 'each change of a patient is one of the log';
const ONLY_IDS = 'changes of patients contain ids only';

/** @returns the digest of each of these patients that exists */
export type ReadRows = (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;

export class PatientCopy {
  /** Of the last numbered change. */
  seq = 0;
  changes = 0;
  readonly name: string;
  readonly organizationId: number;
  readonly #findings: Findings;
  readonly #rows = new Map<string, string>();
  readonly #received = new Map<number, string>();
  #changed = new Set<string>();
  /** Resolves when no refresh is reading. */
  #refreshed: Promise<unknown> = Promise.resolve();

  constructor(name: string, organizationId: number, findings: Findings) {
    this.name = name;
    this.organizationId = organizationId;
    this.#findings = findings;
  }

  /** @param start the number of the change before the first one, for a copy that began with `since=all` */
  startAt(start: number): void {
    this.seq = start;
  }

  take(change: PatientChange): void {
    const { seq, kind, cliniko_patient_id: id } = change;
    const text = JSON.stringify(change);
    this.#findings.expect(ONLY_IDS, IDS_ONLY.test(text), () => text);
    this.changes += 1;
    if (seq !== null) {
      this.#findings.expect(DENSE, seq === this.seq + 1, () => `${this.#where}: ${seq} after ${this.seq}`);
      this.seq = Math.max(this.seq, seq);
      this.#received.set(seq, `${kind} ${id}`);
    }
    this.#changed.add(id);
  }

  /**
   * Reads the patients that have changed, after the reads that have begun before: an older read never overwrites a newer one, and
   * when this one is over, the copy contains what they all have read.
   */
  refresh(read: ReadRows): Promise<void> {
    const refreshed = this.#refreshed.then(() => this.#readChanged(read));
    this.#refreshed = refreshed.catch(() => {});
    return refreshed;
  }

  async #readChanged(read: ReadRows): Promise<void> {
    if (this.#changed.size === 0) return;
    const ids = [...this.#changed];
    this.#changed = new Set();
    try {
      const rows = await read(ids);
      for (const id of ids) {
        const digest = rows.get(id);
        if (digest === undefined) this.#rows.delete(id);
        else this.#rows.set(id, digest);
      }
    } catch (error) {
      for (const id of ids) this.#changed.add(id);
      throw error;
    }
  }

  /**
   * @param table the digest of each row, by id
   * @param log each numbered change as `kind id`
   */
  compare(table: ReadonlyMap<string, string>, log: ReadonlyMap<number, string>): void {
    const where = this.#where;
    this.#findings.expect(
      DENSE,
      this.seq === log.size,
      () => `${where}: ended at ${this.seq} of ${log.size}`,
    );
    for (const [seq, received] of this.#received)
      this.#findings.expect(
        KNOWN,
        received === log.get(seq),
        () => `${where}: ${received} at ${seq} is ${log.get(seq)}`,
      );
    for (const [id, digest] of table)
      this.#findings.expect(EQUAL, this.#rows.get(id) === digest, () => `${where}: patient ${id}`);
    for (const id of this.#rows.keys())
      if (!table.has(id))
        this.#findings.fail(EQUAL, `${where}: patient ${id} is in the copy and not in the table`);
  }

  get #where(): string {
    return `${this.name}, organization ${this.organizationId}`;
  }
}
