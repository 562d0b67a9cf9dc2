/** Ids that periodic work leaves out for a while, because it failed for them: so it continues with the others. */
export class PassedOver {
  readonly #passed = new Map<number, { until: number; forMs: number }>();

  add(id: number, forMs: number): void {
    this.#passed.set(id, { until: performance.now() + forMs, forMs });
  }

  /**
   * For twice as long as the last time, if that was not long ago; at most 16 times.
   *
   * @returns for how long, in milliseconds
   */
  addAgain(id: number, firstMs: number): number {
    const last = this.#passed.get(id)?.forMs;
    const forMs = last === undefined ? firstMs : Math.max(firstMs, Math.min(last * 2, firstMs * 16));
    this.add(id, forMs);
    return forMs;
  }

  /** Those that are left out now. */
  ids(): number[] {
    const now = performance.now();
    for (const [id, { until, forMs }] of this.#passed) if (until + forMs <= now) this.#passed.delete(id);
    return [...this.#passed].flatMap(([id, { until }]) => (until > now ? [id] : []));
  }
}
