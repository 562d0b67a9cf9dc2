/**
 * Delivery: moves frames from watches to one socket, as fast as the socket takes them and no faster.
 *
 * A connection has no queue. News marks a watch dirty; at the end of the loop turn frames are taken while the socket has
 * room, and leave in one write. When it has none they wait in the shared ring or in the log. So a reader that does not
 * read costs this process nothing, and slows nobody. Whose socket does not empty for 30 s is let go: it comes back with its cursor.
 */

import type { Flushable, FlushScheduler } from './flush-scheduler.ts';
import type { Frame } from './frame.ts';
import type { Subscriber } from './subscriber.ts';

const STALLED_MS = 30_000;

/** So long a reader may be behind with a full socket and still gets every event, however many. Then it is folded. */
const SLOW_MS = 10_000;

/** What one write may hold, besides its last portion. */
const WRITE_BYTES = 64 * 1024;

export interface FrameSink {
  /** Writes everything that is due, in one go: portions of frames, each of one organization. */
  write(batches: readonly (readonly Frame[])[]): void;
  /** Whether the socket still holds more than it should. `onRoom` of the delivery is called when it has room again. */
  isFull(): boolean;
  /** The socket took nothing for too long, or reading for it failed. */
  abort(why: 'stalled' | 'failed'): void;
}

export interface SocketWriter {
  /** There may be something to take from this watch. */
  markDirty(subscriber: Subscriber): void;
  /** The socket has room again. */
  onDrain(): void;
  /** Forgets a watch. */
  remove(subscriber: Subscriber): void;
  end(): void;
}

export function createSocketWriter(sink: FrameSink, flushScheduler: FlushScheduler): SocketWriter {
  return new SubscriberSocketWriter(sink, flushScheduler);
}

/** A class: one for each connection, and what it can do is the same for all. */
class SubscriberSocketWriter implements SocketWriter, Flushable {
  readonly #sink: FrameSink;
  readonly #flushScheduler: FlushScheduler;
  /** Each watch that is dirty, once. Not a set: one that is filled and emptied with each event is built anew again and again. */
  readonly #dirty: Subscriber[] = [];
  #reading: Set<Subscriber> | undefined;
  #stalled: NodeJS.Timeout | undefined;
  #isDue = false;
  /** Since when the socket has not taken everything that was due. */
  #behindSince: number | undefined;
  #ended = false;

  constructor(sink: FrameSink, flushScheduler: FlushScheduler) {
    this.#sink = sink;
    this.#flushScheduler = flushScheduler;
  }

  markDirty(subscriber: Subscriber): void {
    if (this.#ended) return;
    if (!subscriber.isDirty) this.#dirty.push(subscriber);
    subscriber.isDirty = true;
    this.#schedule();
  }

  onDrain(): void {
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
    if (this.#dirty.length > 0) this.#schedule();
  }

  remove(subscriber: Subscriber): void {
    subscriber.isDirty = false;
    this.#removeClean();
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#stalled);
    this.#dirty.length = 0;
  }

  flush(): void {
    this.#isDue = false;
    if (this.#ended) return;
    if (this.#sink.isFull()) {
      this.#behindSince ??= performance.now();
      this.#stalled ??= setTimeout(() => this.#sink.abort('stalled'), STALLED_MS);
      return;
    }
    const batches = this.#collect();
    if (batches.length > 0) this.#sink.write(batches);
    if (this.#dirty.length === 0) this.#behindSince = undefined;
    else if (batches.length > 0) this.#schedule();
  }

  #schedule(): void {
    if (this.#isDue || this.#ended) return;
    this.#isDue = true;
    this.#flushScheduler.add(this);
  }

  /** What there is to write, as far as it fits. */
  #collect(): (readonly Frame[])[] {
    const batches: (readonly Frame[])[] = [];
    let bytes = 0;
    for (const subscriber of this.#dirty) {
      while (subscriber.isDirty && bytes < WRITE_BYTES) {
        const frames = this.#take(subscriber);
        if (frames === undefined) break;
        batches.push(frames);
        for (const frame of frames) bytes += frame.sse.length;
      }
    }
    this.#removeClean();
    return batches;
  }

  /** The next portion of a watch, which is clean after its last one; undefined when it has none at the moment. */
  #take(subscriber: Subscriber): readonly Frame[] | undefined {
    if (this.#reading?.has(subscriber)) return undefined;
    const frames = subscriber.take();
    if (frames === undefined) {
      void this.#catchUp(subscriber);
      return undefined;
    }
    if (frames.length === 0 || subscriber.isCurrent) subscriber.isDirty = false;
    return frames.length > 0 ? frames : undefined;
  }

  /** In place, and without giving the room of the array back: it is filled again with the next event. */
  #removeClean(): void {
    let kept = 0;
    for (const subscriber of this.#dirty) if (subscriber.isDirty) this.#dirty[kept++] = subscriber;
    while (this.#dirty.length > kept) this.#dirty.pop();
  }

  async #catchUp(subscriber: Subscriber): Promise<void> {
    this.#reading ??= new Set();
    this.#reading.add(subscriber);
    try {
      const frames = await subscriber.catchUp(this.#isSlow());
      this.#reading.delete(subscriber);
      if (this.#ended || !subscriber.isDirty) return;
      if (frames.length > 0) this.#sink.write([frames]);
      this.#schedule();
    } catch {
      if (!this.#ended) this.#sink.abort('failed');
    }
  }

  #isSlow(): boolean {
    return this.#behindSince !== undefined && performance.now() - this.#behindSince > SLOW_MS;
  }
}
