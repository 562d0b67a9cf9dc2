/** Repeats an action: one call at a time, with a delay after the end of each. `act` must not throw. */

export interface Repetition {
  /** The next call begins at most `ms` from now; during a call, `ms` after its end. */
  soon(ms: number): void;
  /** No other call begins. Resolves when none is in progress. */
  stop(): Promise<void>;
}

/** @param firstMs the delay before the first call */
export function repeat(delayMs: () => number, act: () => Promise<void>, firstMs: number): Repetition {
  let timer: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  /** Asked for during a call. */
  let soonMs = Number.POSITIVE_INFINITY;
  let [isRunning, isStopped] = [false, false];
  let ended = Promise.resolve();
  const run = (): void => {
    clearTimeout(timer);
    dueAt = soonMs = Number.POSITIVE_INFINITY;
    isRunning = true;
    ended = act().then(() => {
      isRunning = false;
      schedule(Math.min(soonMs, delayMs()));
    });
  };
  const schedule = (ms: number): void => {
    const at = performance.now() + ms;
    if (isStopped || at >= dueAt) return;
    dueAt = at;
    clearTimeout(timer);
    timer = setTimeout(run, ms);
  };
  schedule(firstMs);
  return {
    soon(ms) {
      if (isRunning) soonMs = Math.min(soonMs, ms);
      else if (ms > 0) schedule(ms);
      else if (!isStopped) run();
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await ended;
    },
  };
}

/** @returns a function that stops it; a call in progress continues to its end */
export function every(delayMs: () => number, act: () => Promise<void>): () => void {
  return repeat(delayMs, act, delayMs()).stop;
}
