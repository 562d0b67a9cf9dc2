/** The bus within one process: `publish` calls every subscriber synchronously. */
import type { EventBus, Nudge } from './event-bus.ts';

export interface MemoryBus extends EventBus {
  /** Notifies all `onMissed` callbacks that nudges may have been lost. */
  missed(): void;
}

export function createMemoryBus(): MemoryBus {
  const listeners = new Set<(nudge: Nudge) => void>();
  const readers = new Set<() => void>();
  return {
    publish: (nudge) => {
      for (const listener of listeners) listener(nudge);
    },
    subscribe: (onNudge) => {
      listeners.add(onNudge);
      return () => listeners.delete(onNudge);
    },
    onMissed: (read) => {
      readers.add(read);
      return () => readers.delete(read);
    },
    // Within one process a nudge costs nothing, so all are delivered.
    follow: () => {},
    unfollow: () => {},
    followAll: () => () => {},
    missed: () => {
      for (const read of readers) read();
    },
    healthy: true,
    nats: 'unused',
    close: async () => {
      listeners.clear();
      readers.clear();
    },
  };
}
