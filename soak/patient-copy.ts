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
  /** Patients that it got as `created` from `since=all`. */
  listed = 0;
  readonly name: string;
  readonly organizationId: number;
  readonly #findings: Findings;
  readonly #rows = new Map<string, string>();
  readonly #received = new Map<number, string>();
  /** The patients of `since=all`, until the numbered changes begin; undefined for a copy that began at a cursor. */
  #listing: Set<string> | undefined;
  #changed = new Set<string>();
  /** Resolves when no refresh is reading. */
  #refreshed: Promise<unknown> = Promise.resolve();

  /** @param start the number of the last change before the copy; `all` when it begins with the stored patients */
  constructor(name: string, organizationId: number, findings: Findings, start: number | 'all' = 0) {
    if (start === 'all') this.#listing = new Set();
    else this.seq = start;
    this.name = name;
    this.organizationId = organizationId;
    this.#findings = findings;
  }

  /** @param start the number of the change after which those follow that the stored patients do not contain */
  startAt(start: number): void {
    this.seq = start;
  }

  /** After the last one of the stored patients. */
  endListing(): void {
    this.#listing = undefined;
  }

  take(change: PatientChange): void {
    const { seq, kind, cliniko_patient_id: id } = change;
    const text = JSON.stringify(change);
    this.#findings.expect(ONLY_IDS, IDS_ONLY.test(text), () => text);
    this.changes += 1;
    if (seq === null) this.#list(id);
    else {
      this.endListing();
      this.#findings.expect(DENSE, seq === this.seq + 1, () => `${this.#where}: ${seq} after ${this.seq}`);
      this.seq = Math.max(this.seq, seq);
      this.#received.set(seq, `${kind} ${id}`);
    }
    this.#changed.add(id);
  }

  #list(id: string): void {
    const isNew = this.#listing?.has(id) === false;
    this.#findings.expect(DENSE, isNew, () => `${this.#where}: patient ${id} is listed twice or too late`);
    this.#listing?.add(id);
    this.listed += 1;
  }

  /**
   * What it still has to receive; undefined when it has everything.
   *
   * @param head the number of the last change
   * @param patients the rows of the table: when no change follows the stored patients, they are complete with the last row only
   */
  behind(head: number, patients: number): string | undefined {
    const listed = this.#listing?.size ?? patients;
    if (this.seq === head && listed >= patients) return undefined;
    return `${this.#where}: change ${this.seq} of ${head}, patient ${listed} of ${patients}`;
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
