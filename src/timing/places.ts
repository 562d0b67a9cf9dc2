/** Limits how much work is done at once. The rest waits, first come, first served. */
import { waitForTurn } from './wait-for-turn.ts';

/** @throws the signal's reason, when the work has not begun by then; the errors of the work */
export type Places = <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>;

export function createPlaces(count: number): Places {
  const waiting = new Set<() => void>();
  let taken = 0;
  const enter = async (signal: AbortSignal): Promise<void> => {
    if (taken < count) {
      taken += 1;
      return;
    }
    await waitForTurn(signal, (go) => {
      waiting.add(go);
      return () => waiting.delete(go);
    });
  };
  // Gives the place to the first who waits, so a later caller cannot take it in between.
  const leave = (): void => {
    const [next] = waiting;
    if (next === undefined) taken -= 1;
    else next();
  };
  return async (signal, work) => {
    await enter(signal);
    try {
      return await work();
    } finally {
      leave();
    }
  };
}
