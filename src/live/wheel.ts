/** One timer for the heartbeats of all connections: each is called once a period, spread over it. */

export interface Spoke {
  beat(): void;
}

export interface Wheel {
  add(spoke: Spoke): void;
  remove(spoke: Spoke): void;
  stop(): void;
}

const SLOTS = 20;

export function createWheel(periodMs: number): Wheel {
  const slots = Array.from({ length: SLOTS }, () => new Set<Spoke>());
  let turn = 0;
  const timer = setInterval(() => {
    turn = (turn + 1) % SLOTS;
    for (const spoke of slots[turn] ?? []) spoke.beat();
  }, periodMs / SLOTS);
  timer.unref();
  return {
    add(spoke) {
      // The slot that was just passed comes round last, a whole period from now.
      slots[turn]?.add(spoke);
    },
    remove(spoke) {
      for (const slot of slots) if (slot.delete(spoke)) return;
    },
    stop: () => clearInterval(timer),
  };
}
