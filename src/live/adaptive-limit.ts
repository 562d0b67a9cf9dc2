/**
 * How many events one statement reads. After an answer that took too long, because the events are large or the network is slow, the
 * next statements read fewer: the same one would fail again, and each failure replaces the connection of all reads.
 */
import { NoAnswerError } from '../database/answer-limit.ts';

export interface AdaptiveLimit {
  readonly current: number;
  /** Calls `work` with the current limit. */
  read<T>(work: (limit: number) => Promise<T>): Promise<T>;
}

const SMALLER = 0.25;
/** After each answer in time. Slow growth: what was too large fails again when it is reached. */
const LARGER = 1.02;

export function createAdaptiveLimit(most: number): AdaptiveLimit {
  let size = most;
  const current = (): number => Math.floor(size);
  return {
    get current() {
      return current();
    },
    async read(work) {
      const asked = current();
      try {
        const answer = await work(asked);
        size = Math.min(most, size * LARGER);
        return answer;
      } catch (error) {
        // Reads of the same size that fail together count once.
        if (error instanceof NoAnswerError) size = Math.min(size, Math.max(1, asked * SMALLER));
        throw error;
      }
    },
  };
}
