/**
 * Flushes all dirty connections of this process at the end of the event loop turn, each once. One write of many events costs
 * one system call, the same as one write of one event.
 */

export interface Flushable {
  /** Called once, after the other callbacks of this turn. It must not throw. */
  flush(): void;
}

export interface FlushScheduler {
  add(flushable: Flushable): void;
}

export function createFlushScheduler(): FlushScheduler {
  let pending: Flushable[] = [];
  const flushAll = (): void => {
    const due = pending;
    pending = [];
    for (const flushable of due) flushable.flush();
  };
  return {
    add(flushable) {
      if (pending.push(flushable) === 1) setImmediate(flushAll);
    },
  };
}
