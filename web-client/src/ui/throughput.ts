/** Counts the processed patients in each of the last seconds. Pure, except for the clock. */

export const SECONDS_KEPT = 60;

export interface Throughput {
  /** The second in which the measurement began. */
  readonly from: number;
  /** The second of the last count, of any clock. */
  readonly second: number;
  /** Oldest first; the last one is still growing. */
  readonly counts: readonly number[];
}

/** Of a clock that nothing sets back. */
export function secondNow(): number {
  return Math.floor(performance.now() / 1000);
}

export function noThroughput(second: number): Throughput {
  return { from: second, second, counts: Array<number>(SECONDS_KEPT).fill(0) };
}

export function withCount(before: Throughput, second: number, count: number): Throughput {
  const { counts } = moved(before, second);
  return { from: before.from, second, counts: [...counts.slice(0, -1), (counts.at(-1) ?? 0) + count] };
}

/** Seconds without events are zeros. A clock that was set back counts as stopped. */
export function moved(before: Throughput, second: number): Throughput {
  const passed = Math.min(SECONDS_KEPT, Math.max(0, second - before.second));
  if (passed === 0) return before;
  const counts = [...before.counts.slice(passed), ...Array<number>(passed).fill(0)];
  return { from: before.from, second, counts };
}

/** Patients a second over the last whole seconds; the current second would make the figure flicker. */
export function recentRate({ counts }: Throughput, seconds: number): number {
  const whole = counts.slice(-1 - seconds, -1);
  return whole.reduce((sum, count) => sum + count, 0) / seconds;
}

/** Pages arrive in groups: the weight of a second halves after this time. */
const HALVED_AFTER_SECONDS = 6;
/** A rate of fewer seconds would be the size of a group. */
const LEAST_SECONDS = 3;

/** Patients a second, smoothed over the whole seconds measured so far; null until there are enough. */
export function smoothedRate({ from, second, counts }: Throughput): number | null {
  const measured = Math.min(SECONDS_KEPT - 1, second - from);
  if (measured < LEAST_SECONDS) return null;
  const whole = counts.slice(-1 - measured, -1);
  let [sum, weights] = [0, 0];
  for (const [index, count] of whole.entries()) {
    const weight = 0.5 ** ((whole.length - 1 - index) / HALVED_AFTER_SECONDS);
    sum += weight * count;
    weights += weight;
  }
  return sum / weights;
}
