/** Limits how many transactions of one kind hold a connection of the pool at once. The others wait, first come, first served. */
import { NoAnswerError } from './answer-limit.ts';

export interface PoolSlots {
  /**
   * @returns frees the slot; call it once
   * @throws NoAnswerError when no slot is free in time
   */
  enter(): Promise<() => void>;
}

export function createPoolSlots(count: number, limitMs: number): PoolSlots {
  let used = 0;
  const queue = new Set<() => void>();
  /** Gives the slot to the first in the queue, so a later caller cannot take it in between. */
  const leave = (): void => {
    const [next] = queue;
    if (next === undefined) used -= 1;
    else next();
  };
  return {
    enter: () =>
      new Promise((resolve, reject) => {
        if (used < count) {
          used += 1;
          resolve(leave);
          return;
        }
        const go = (): void => {
          queue.delete(go);
          clearTimeout(timer);
          resolve(leave);
        };
        const timer = setTimeout(() => {
          queue.delete(go);
          reject(new NoAnswerError(`No connection of the pool was free within ${limitMs} ms`));
        }, limitMs);
        queue.add(go);
      }),
  };
}
