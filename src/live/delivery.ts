/**
 * Delivery: moves frames from watches to one socket, as fast as the socket takes them and no faster.
 *
 * A connection has no queue. News marks a watch dirty; frames are taken only while the socket has room, and when it
 * has none they wait in the shared ring or in the log. So a reader that does not read costs this process nothing, and
 * slows nobody. Who takes nothing for 30 s is let go: it comes back with its cursor.
 */
import type { Frame } from './frame.ts';
import type { Watch } from './watch.ts';

const STALLED_MS = 30_000;

export interface Outlet {
  /** Writes frames of one organization. */
  write(frames: readonly Frame[]): void;
  /** Whether the socket still holds more than it should. `onRoom` of the delivery is called when it has room again. */
  isFull(): boolean;
  /** The socket took nothing for too long, or reading for it failed. */
  giveUp(why: 'stalled' | 'failed'): void;
}

export interface Delivery {
  /** There may be something to take from this watch. */
  news(watch: Watch): void;
  /** The socket has room again. */
  onRoom(): void;
  /** Forgets a watch. */
  drop(watch: Watch): void;
  end(): void;
}

export function createDelivery(outlet: Outlet): Delivery {
  const dirty = new Set<Watch>();
  const reading = new Set<Watch>();
  let stalled: NodeJS.Timeout | undefined;
  let ended = false;

  const catchUp = (watch: Watch): void => {
    reading.add(watch);
    watch
      .catchUp()
      .then((frames) => {
        reading.delete(watch);
        if (ended || !dirty.has(watch)) return;
        outlet.write(frames);
        flush();
      })
      .catch(() => ended || outlet.giveUp('failed'));
  };
  /** Takes once. @returns whether there may be more */
  const deliver = (watch: Watch): boolean => {
    const frames = watch.take();
    if (frames === undefined) catchUp(watch);
    else if (frames.length === 0) dirty.delete(watch);
    else outlet.write(frames);
    return frames !== undefined && frames.length > 0;
  };
  const flush = (): void => {
    for (const watch of dirty) {
      while (!ended && !reading.has(watch)) {
        if (outlet.isFull()) {
          stalled ??= setTimeout(() => outlet.giveUp('stalled'), STALLED_MS);
          return;
        }
        if (!deliver(watch)) break;
      }
    }
  };
  return {
    news(watch) {
      if (ended) return;
      dirty.add(watch);
      flush();
    },
    onRoom() {
      clearTimeout(stalled);
      stalled = undefined;
      if (!ended) flush();
    },
    drop: (watch) => dirty.delete(watch),
    end() {
      ended = true;
      clearTimeout(stalled);
      dirty.clear();
    },
  };
}
