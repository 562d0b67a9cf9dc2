/**
 * The end of a loop turn, for all connections of this process: what became due during the turn is written then, once to
 * each. One write of many events costs a system call, as one write of one does.
 */

export interface Due {
  /** Called once, when everything that this turn brings has been heard. It must not throw. */
  flush(): void;
}

export interface Turn {
  add(due: Due): void;
}

export function createTurn(): Turn {
  let dues: Due[] = [];
  const end = (): void => {
    const ended = dues;
    dues = [];
    for (const due of ended) due.flush();
  };
  return {
    add(due) {
      if (dues.push(due) === 1) setImmediate(end);
    },
  };
}
