/**
 * Slots limit how many runs work concurrently on this server (`SYNC_CONCURRENCY`).
 *
 * A run that waits for Cliniko returns its slot and takes one again when it continues. Runs that continue have precedence
 * over new runs, because they hold pages in memory.
 */
import { waitInLine } from '../timing/wait-in-line.ts';

export interface Slots {
  readonly free: number;
  /** Takes a slot for a new run, without a check of the limit: the caller checks `free`. */
  take(): Slot;
}

export interface Slot {
  /** Returns the slot while the run waits. Idempotent. */
  pause(): void;
  /** Resolves when the run has a slot again. Rejects with the signal's reason. */
  resume(signal: AbortSignal): Promise<void>;
  /** Returns the slot when the run has ended. Idempotent. */
  release(): void;
}

/** For a run outside a worker. */
export const UNLIMITED_SLOT: Slot = { pause() {}, resume: async () => {}, release() {} };

/** @param onFree called when a slot becomes free and no waiting run needs it */
export function createSlots(limit: number, onFree: () => void): Slots {
  let used = 0;
  const queue = new Set<() => void>();
  const freeSlot = (): void => {
    used -= 1;
    const [next] = queue;
    if (next !== undefined && used < limit) next();
    else onFree();
  };
  return {
    get free() {
      return queue.size > 0 ? 0 : Math.max(0, limit - used);
    },
    take() {
      used += 1;
      let holds = true;
      const pause = (): void => {
        if (!holds) return;
        holds = false;
        freeSlot();
      };
      return {
        pause,
        release: pause,
        async resume(signal) {
          signal.throwIfAborted();
          if (holds) return;
          const begin = (): void => {
            used += 1;
            holds = true;
          };
          if (used < limit) return begin();
          await waitInLine(signal, (go) => {
            // The slot is taken in the call that returns it, so no other run gets it in between.
            const next = (): void => {
              begin();
              go();
            };
            queue.add(next);
            return () => queue.delete(next);
          });
        },
      };
    },
  };
}
