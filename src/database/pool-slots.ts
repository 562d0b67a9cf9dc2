/** Limits how many transactions of one kind hold a connection of the pool at once. The others wait, first come, first served. */
import { createPlaces } from '../timing/places.ts';
import { NoAnswerError } from './answer-limit.ts';

/** @throws NoAnswerError when no slot is free in time: the work did not begin */
export type PoolSlots = <T>(work: () => Promise<T>) => Promise<T>;

export function createPoolSlots(count: number, limitMs: number): PoolSlots {
  const places = createPlaces(count);
  return async (work) => {
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new NoAnswerError(`No connection of the pool was free within ${limitMs} ms`)),
      limitMs,
    );
    return await places(late.signal, () => {
      clearTimeout(timer);
      return work();
    });
  };
}
