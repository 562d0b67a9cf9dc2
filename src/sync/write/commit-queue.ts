/**
 * How far the reading of a run is ahead of its storing: a few parts, so that neither waits for the other at every turn.
 *
 * Who reads may have to know that all it has handed on was taken: what follows depends on it.
 */
export interface Lookahead {
  /** A part is on its way to whoever stores it. */
  handOn(): void;
  /** Whoever stores has it. */
  take(): void;
  /** Resolves when everything that was handed on was taken. */
  allTaken(): Promise<void>;
}

/** Parts that are asked for before they are needed. */
export const PARTS_AHEAD = 2;

export function createLookahead(): Lookahead {
  let underWay = 0;
  let onTaken = () => {};
  return {
    handOn() {
      underWay += 1;
    },
    take() {
      underWay -= 1;
      onTaken();
    },
    async allTaken() {
      while (underWay > 0) {
        await new Promise<void>((resolve) => {
          onTaken = resolve;
        });
      }
    },
  };
}
