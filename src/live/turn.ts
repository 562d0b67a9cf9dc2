/**
 * The end of a loop turn, for all connections of this process: what became due during the turn is written then, once to
 * each. One write of many events costs a system call, as one write of one does.
 */

export interface Turn {
  /** `flush` is called once, when everything that this turn brings has been heard. It must not throw. */
  add(flush: () => void): void;
}

export function createTurn(): Turn {
  let due: (() => void)[] = [];
  const end = (): void => {
    const flushes = due;
    due = [];
    for (const flush of flushes) flush();
  };
  return {
    add(flush) {
      if (due.push(flush) === 1) setImmediate(end);
    },
  };
}
