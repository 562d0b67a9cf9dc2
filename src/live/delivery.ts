/**
 * Delivery: moves frames from watches to one socket, as fast as the socket takes them and no faster.
 *
 * A connection has no queue. News marks a watch dirty; at the end of the loop turn frames are taken while the socket has
 * room, and leave in one write. When it has none they wait in the shared ring or in the log. So a reader that does not
 * read costs this process nothing, and slows nobody. Who takes nothing for 30 s is let go: it comes back with its cursor.
 */
import type { Frame } from './frame.ts';
import type { Turn } from './turn.ts';
import type { Watch } from './watch.ts';

const STALLED_MS = 30_000;

/** So long a reader may be behind with a full socket and still gets every event, however many. Then it is folded. */
const SLOW_MS = 10_000;

/** What one write may hold, besides its last portion. */
const WRITE_BYTES = 64 * 1024;

export interface Outlet {
  /** Writes everything that is due, in one go: portions of frames, each of one organization. */
  write(portions: readonly (readonly Frame[])[]): void;
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

export function createDelivery(outlet: Outlet, turn: Turn): Delivery {
  const dirty = new Set<Watch>();
  let reading: Set<Watch> | undefined;
  let stalled: NodeJS.Timeout | undefined;
  let isDue = false;
  /** Since when the socket has not taken everything that was due. */
  let behindSince: number | undefined;
  let ended = false;

  const isSlow = () => behindSince !== undefined && performance.now() - behindSince > SLOW_MS;
  const catchUp = (watch: Watch): void => {
    reading ??= new Set();
    reading.add(watch);
    watch
      .catchUp(isSlow())
      .then((frames) => {
        reading?.delete(watch);
        if (ended || !dirty.has(watch)) return;
        if (frames.length > 0) outlet.write([frames]);
        schedule();
      })
      .catch(() => ended || outlet.giveUp('failed'));
  };
  /** The next portion of a watch; undefined when it has none at the moment. */
  const take = (watch: Watch): readonly Frame[] | undefined => {
    if (reading?.has(watch)) return undefined;
    const frames = watch.take();
    if (frames === undefined) catchUp(watch);
    else if (frames.length === 0) dirty.delete(watch);
    else return frames;
    return undefined;
  };
  /** What there is to write, as far as it fits. */
  const collect = (): (readonly Frame[])[] => {
    const portions: (readonly Frame[])[] = [];
    let bytes = 0;
    for (const watch of dirty) {
      for (let frames = take(watch); frames !== undefined; frames = take(watch)) {
        portions.push(frames);
        for (const frame of frames) bytes += frame.sse.length;
        if (bytes >= WRITE_BYTES) return portions;
      }
    }
    return portions;
  };
  const flush = (): void => {
    isDue = false;
    if (ended) return;
    if (outlet.isFull()) {
      behindSince ??= performance.now();
      stalled ??= setTimeout(() => outlet.giveUp('stalled'), STALLED_MS);
      return;
    }
    const portions = collect();
    if (portions.length > 0) outlet.write(portions);
    if (dirty.size === 0) behindSince = undefined;
    else if (portions.length > 0) schedule();
  };
  const schedule = (): void => {
    if (isDue || ended) return;
    isDue = true;
    turn.add(flush);
  };
  return {
    news(watch) {
      if (ended) return;
      dirty.add(watch);
      schedule();
    },
    onRoom() {
      clearTimeout(stalled);
      stalled = undefined;
      if (dirty.size > 0) schedule();
    },
    drop: (watch) => dirty.delete(watch),
    end() {
      ended = true;
      clearTimeout(stalled);
      dirty.clear();
    },
  };
}
