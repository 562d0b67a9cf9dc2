/**
 * Delivery: moves frames from watches to one socket, as fast as the socket takes them and no faster.
 *
 * A connection has no queue. News marks a watch dirty; at the end of the loop turn frames are taken while the socket has
 * room, and leave in one write. When it has none they wait in the shared ring or in the log. So a reader that does not
 * read costs this process nothing, and slows nobody. Whose socket does not empty for 30 s is let go: it comes back with its cursor.
 */
import type { Frame } from './frame.ts';
import type { Due, Turn } from './turn.ts';
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
  return new SocketDelivery(outlet, turn);
}

/** A class: one for each connection, and what it can do is the same for all. */
class SocketDelivery implements Delivery, Due {
  readonly #outlet: Outlet;
  readonly #turn: Turn;
  /** Each watch that is dirty, once. Not a set: one that is filled and emptied with each event is built anew again and again. */
  readonly #dirty: Watch[] = [];
  #reading: Set<Watch> | undefined;
  #stalled: NodeJS.Timeout | undefined;
  #isDue = false;
  /** Since when the socket has not taken everything that was due. */
  #behindSince: number | undefined;
  #ended = false;

  constructor(outlet: Outlet, turn: Turn) {
    this.#outlet = outlet;
    this.#turn = turn;
  }

  news(watch: Watch): void {
    if (this.#ended) return;
    if (!watch.isDirty) this.#dirty.push(watch);
    watch.isDirty = true;
    this.#schedule();
  }

  onRoom(): void {
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
    if (this.#dirty.length > 0) this.#schedule();
  }

  drop(watch: Watch): void {
    watch.isDirty = false;
    this.#forgetClean();
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#stalled);
    this.#dirty.length = 0;
  }

  flush(): void {
    this.#isDue = false;
    if (this.#ended) return;
    if (this.#outlet.isFull()) {
      this.#behindSince ??= performance.now();
      this.#stalled ??= setTimeout(() => this.#outlet.giveUp('stalled'), STALLED_MS);
      return;
    }
    const portions = this.#collect();
    if (portions.length > 0) this.#outlet.write(portions);
    if (this.#dirty.length === 0) this.#behindSince = undefined;
    else if (portions.length > 0) this.#schedule();
  }

  #schedule(): void {
    if (this.#isDue || this.#ended) return;
    this.#isDue = true;
    this.#turn.add(this);
  }

  /** What there is to write, as far as it fits. */
  #collect(): (readonly Frame[])[] {
    const portions: (readonly Frame[])[] = [];
    let bytes = 0;
    for (const watch of this.#dirty) {
      while (watch.isDirty && bytes < WRITE_BYTES) {
        const frames = this.#take(watch);
        if (frames === undefined) break;
        portions.push(frames);
        for (const frame of frames) bytes += frame.sse.length;
      }
    }
    this.#forgetClean();
    return portions;
  }

  /** The next portion of a watch, which is clean after its last one; undefined when it has none at the moment. */
  #take(watch: Watch): readonly Frame[] | undefined {
    if (this.#reading?.has(watch)) return undefined;
    const frames = watch.take();
    if (frames === undefined) {
      void this.#catchUp(watch);
      return undefined;
    }
    if (frames.length === 0 || watch.isCurrent) watch.isDirty = false;
    return frames.length > 0 ? frames : undefined;
  }

  /** In place, and without giving the room of the array back: it is filled again with the next event. */
  #forgetClean(): void {
    let kept = 0;
    for (const watch of this.#dirty) if (watch.isDirty) this.#dirty[kept++] = watch;
    while (this.#dirty.length > kept) this.#dirty.pop();
  }

  async #catchUp(watch: Watch): Promise<void> {
    this.#reading ??= new Set();
    this.#reading.add(watch);
    try {
      const frames = await watch.catchUp(this.#isSlow());
      this.#reading.delete(watch);
      if (this.#ended || !watch.isDirty) return;
      if (frames.length > 0) this.#outlet.write([frames]);
      this.#schedule();
    } catch {
      if (!this.#ended) this.#outlet.giveUp('failed');
    }
  }

  #isSlow(): boolean {
    return this.#behindSince !== undefined && performance.now() - this.#behindSince > SLOW_MS;
  }
}
