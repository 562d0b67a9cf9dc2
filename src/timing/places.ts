/** Limits how many callers work at once. The others wait, first come, first served. */
import { waitForTurn } from './wait-for-turn.ts';

export interface Places {
  /** @throws the signal's reason */
  enter(signal: AbortSignal): Promise<void>;
  /** Gives the place to the first who waits, so a later caller cannot take it in between. */
  leave(): void;
}

export function createPlaces(count: number): Places {
  const waiting = new Set<() => void>();
  let taken = 0;
  return {
    async enter(signal) {
      if (taken < count) {
        taken += 1;
        return;
      }
      await waitForTurn(signal, (go) => {
        waiting.add(go);
        return () => waiting.delete(go);
      });
    },
    leave() {
      const [next] = waiting;
      if (next === undefined) taken -= 1;
      else next();
    },
  };
}
