/**
 * Slots for runs that work: as many side by side as `SYNC_CONCURRENCY` allows on this server.
 *
 * A run that waits for Cliniko gives its slot back and takes one again when it goes on. Runs that go on have precedence
 * over runs that would begin, because they hold pages in memory.
 */
export interface Slots {
  readonly free: number;
  /** Takes a slot for a run that begins, also beyond the limit: the caller has looked at `free`. */
  take(): Slot;
}

export interface Slot {
  /** Gives the slot back while the run waits. Idempotent. */
  pause(): void;
  /** Resolves when the run has a slot again. Rejects with the signal's reason. */
  resume(signal: AbortSignal): Promise<void>;
  /** The run has ended. Idempotent. */
  release(): void;
}

/** For a run outside of a worker. */
export const UNLIMITED_SLOT: Slot = { pause() {}, resume: async () => {}, release() {} };

/** @param onFree called when a slot has become free and no run that goes on needs it */
export function createSlots(limit: number, onFree: () => void): Slots {
  let used = 0;
  const queue = new Set<() => void>();
  const giveBack = (): void => {
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
        giveBack();
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
          if (used < limit) begin();
          else await waitInQueue(queue, signal, begin);
        },
      };
    },
  };
}

/** `begin` takes the slot in the call that gives it back, so that no other run gets it in between. */
function waitInQueue(queue: Set<() => void>, signal: AbortSignal, begin: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      queue.delete(go);
      signal.removeEventListener('abort', abort);
    };
    const abort = (): void => {
      leave();
      reject(signal.reason);
    };
    const go = (): void => {
      leave();
      begin();
      resolve();
    };
    queue.add(go);
    signal.addEventListener('abort', abort, { once: true });
  });
}
