/**
 * The end of a loop turn, for all connections of this process: what became due during the turn is written then, once to
 * each. One write of many events costs a system call, as one write of one does.
 */

export interface Flushable {
  /** Called once, when everything that this turn brings has been heard. It must not throw. */
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
