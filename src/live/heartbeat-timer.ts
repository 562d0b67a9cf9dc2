/** One timer for the heartbeats of all connections: each entry is called once in a period; entries are spread over the slots. */

export interface HeartbeatEntry {
  onTick(): void;
}

export interface HeartbeatTimer {
  add(entry: HeartbeatEntry): void;
  remove(entry: HeartbeatEntry): void;
  stop(): void;
}

const SLOTS = 20;

export function createHeartbeatTimer(periodMs: number): HeartbeatTimer {
  const slots = Array.from({ length: SLOTS }, () => new Set<HeartbeatEntry>());
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
