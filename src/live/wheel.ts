/** One timer for the heartbeats of all connections: each is called once a period, spread over it. */

export interface Wheel {
  /** @returns takes it off again */
  add(beat: () => void): () => void;
  stop(): void;
}

const SLOTS = 20;

export function createWheel(periodMs: number): Wheel {
  const slots = Array.from({ length: SLOTS }, () => new Set<() => void>());
  let turn = 0;
  const timer = setInterval(() => {
    turn = (turn + 1) % SLOTS;
    for (const beat of slots[turn] ?? []) beat();
  }, periodMs / SLOTS);
  timer.unref();
  return {
    add(beat) {
      // The slot that was just passed comes round last, a whole period from now.
      const slot = slots[turn];
      slot?.add(beat);
      return () => slot?.delete(beat);
    },
    stop: () => clearInterval(timer),
  };
}
