/** What the checks found: how often each passed, and the evidence of each failure. */

/** Enough to see a pattern; the rest is only counted. */
const SHOWN_PER_CHECK = 10;

export interface CheckCount {
  check: string;
  passed: number;
  failed: number;
}

export class Findings {
  readonly #counts = new Map<string, CheckCount>();
  readonly #show: (line: string) => void;

  /** @param show prints the evidence of a failure as soon as it is found */
  constructor(show: (line: string) => void) {
    this.#show = show;
  }

  pass(check: string, times = 1): void {
    this.#countOf(check).passed += times;
  }

  fail(check: string, evidence: string): void {
    const count = this.#countOf(check);
    count.failed += 1;
    if (count.failed <= SHOWN_PER_CHECK) this.#show(`FAILED: ${check}: ${evidence}`);
    if (count.failed === SHOWN_PER_CHECK) this.#show(`FAILED: ${check}: further failures are only counted`);
  }

  /** @param evidence called only for a failure. @returns `holds` */
  expect(check: string, holds: boolean, evidence: () => string): boolean {
    if (holds) this.pass(check);
    else this.fail(check, evidence());
    return holds;
  }

  counts(): CheckCount[] {
    return [...this.#counts.values()].toSorted((one, other) => one.check.localeCompare(other.check));
  }

  get failures(): number {
    return this.counts().reduce((sum, { failed }) => sum + failed, 0);
  }

  #countOf(check: string): CheckCount {
    const count = this.#counts.get(check) ?? { check, passed: 0, failed: 0 };
    this.#counts.set(check, count);
    return count;
  }
}
