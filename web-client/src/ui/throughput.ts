/** Counts the processed patients in each of the last seconds. Pure. */

export const SECONDS_KEPT = 60;

export interface Throughput {
  /** The second of the last count, of any clock. */
  readonly second: number;
  /** Oldest first; the last one is still growing. */
  readonly counts: readonly number[];
}

export function noThroughput(second: number): Throughput {
  return { second, counts: Array<number>(SECONDS_KEPT).fill(0) };
}

export function withCount(before: Throughput, second: number, count: number): Throughput {
  const { counts } = moved(before, second);
  return { second, counts: [...counts.slice(0, -1), (counts.at(-1) ?? 0) + count] };
}

/** Seconds without events are zeros. A clock that was set back counts as stopped. */
export function moved(before: Throughput, second: number): Throughput {
  const passed = Math.min(SECONDS_KEPT, Math.max(0, second - before.second));
  if (passed === 0) return before;
  return { second, counts: [...before.counts.slice(passed), ...Array<number>(passed).fill(0)] };
}

/** Patients a second over the last whole seconds; the current second would make the figure flicker. */
export function recentRate({ counts }: Throughput, seconds: number): number {
  const whole = counts.slice(-1 - seconds, -1);
  return whole.reduce((sum, count) => sum + count, 0) / seconds;
}
