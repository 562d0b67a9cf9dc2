/** Limits how many transactions of one kind hold a connection of the pool at once. The others wait, first come, first served. */
import { createPlaces } from '../timing/places.ts';
import { NoAnswerError } from './answer-limit.ts';

export interface PoolSlots {
  /**
   * @returns frees the slot; call it once
   * @throws NoAnswerError when no slot is free in time
   */
  enter(): Promise<() => void>;
}

export function createPoolSlots(count: number, limitMs: number): PoolSlots {
  const places = createPlaces(count);
  return {
    async enter() {
      const late = new AbortController();
      const timer = setTimeout(
        () => late.abort(new NoAnswerError(`No connection of the pool was free within ${limitMs} ms`)),
        limitMs,
      );
      await places.enter(late.signal).finally(() => clearTimeout(timer));
      return places.leave;
    },
  };
}
