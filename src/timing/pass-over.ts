/** Ids that periodic work leaves out for a while, because it failed for them: so it continues with the others. */
export class PassedOver {
  readonly #until = new Map<number, number>();

  add(id: number, forMs: number): void {
    this.#until.set(id, performance.now() + forMs);
  }

  /** Those that are left out now. */
  ids(): number[] {
    for (const [id, until] of this.#until) if (until <= performance.now()) this.#until.delete(id);
    return [...this.#until.keys()];
  }
}
