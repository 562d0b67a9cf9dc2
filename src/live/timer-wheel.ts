/** One timer for the heartbeats of all connections: each entry is called once in a period; entries are spread over the slots. */

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
  let current = 0;
  const timer = setInterval(() => {
    current = (current + 1) % SLOTS;
    for (const entry of slots[current] ?? []) entry.onTick();
  }, periodMs / SLOTS);
  timer.unref();
  return {
    add(entry) {
      // The current slot fires again after a whole period.
      slots[current]?.add(entry);
    },
    remove(entry) {
      for (const slot of slots) if (slot.delete(entry)) return;
    },
    stop: () => clearInterval(timer),
  };
}
