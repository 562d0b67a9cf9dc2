/** One timer for the heartbeats of all connections: each is called once a period, spread over it. */

export interface TimerEntry {
  onTick(): void;
}

export interface TimerWheel {
  add(entry: TimerEntry): void;
  remove(entry: TimerEntry): void;
  stop(): void;
}

const SLOTS = 20;

export function createTimerWheel(periodMs: number): TimerWheel {
  const slots = Array.from({ length: SLOTS }, () => new Set<TimerEntry>());
  let flushScheduler = 0;
  const timer = setInterval(() => {
    flushScheduler = (flushScheduler + 1) % SLOTS;
    for (const entry of slots[flushScheduler] ?? []) entry.onTick();
  }, periodMs / SLOTS);
  timer.unref();
  return {
    add(entry) {
      // The slot that was just passed comes round last, a whole period from now.
      slots[flushScheduler]?.add(entry);
    },
    remove(entry) {
      for (const slot of slots) if (slot.delete(entry)) return;
    },
    stop: () => clearInterval(timer),
  };
}
