/**
 * Writes frames from subscribers to one socket, no faster than the socket accepts them.
 *
 * A connection has no queue. New events mark a subscriber dirty; at the end of the loop turn its frames are taken until
 * the socket is full, and leave in one write. Further frames wait in the shared ring or in the log. So a client that does
 * not read costs no memory, and slows no other client. A socket that stays full for 30 s is aborted; the client reconnects
 * with its cursor.
 */

import type { Flushable, FlushScheduler } from './flush-scheduler.ts';
import type { Frame } from './frame.ts';
import type { FrameTaker, Subscriber } from './subscriber.ts';

/** So many dirty subscribers are few: the next portion of a subscription may join. */
const FEW = 100;

const STALLED_MS = 30_000;

/** After this time with a full socket a client gets folded events instead of every event. */
const SLOW_MS = 10_000;

/** The size of one write; its last batch may exceed it. */
const WRITE_BYTES = 64 * 1024;

/** Reads of the log at once. What they return is written even when the socket is full by then. */
const MAX_READS = 4;

export interface FrameSink {
  /** Writes all batches in one call; each batch has frames of one organization. */
  write(batches: readonly (readonly Frame[])[]): void;
  /** Whether the socket buffers more than its limit. */
  isFull(): boolean;
  /** Calls `onDrain` of the writer once the socket, which is full, has drained. A second call before that does nothing. */
  awaitDrain(): void;
  /** Closes the connection: its socket stayed full for too long, or reading events for it failed. */
  abort(why: 'stalled' | 'failed'): void;
}

/** Shared, and never filled. */
const NONE: Subscriber[] = [];

/** A class: connections share its methods, which saves memory. */
export class SocketWriter implements FrameTaker, Flushable {
  readonly #sink: FrameSink;
  readonly #flushScheduler: FlushScheduler;
  /**
   * Each dirty subscriber, once. Not a set: filling and emptying a set with each event reallocates it each time. The first
   * one makes the array, which then has no room for others: most connections have one subscriber.
   */
  #dirty: Subscriber[] = NONE;
  #reading: Set<Subscriber> | undefined;
  #stalled: NodeJS.Timeout | undefined;
  #isDue = false;
  /** The first flush that found the socket full; undefined while the client keeps up. */
  #behindSince: number | undefined;
  #ended = false;
  #onFewDirty: (() => void)[] | undefined;

  constructor(sink: FrameSink, flushScheduler: FlushScheduler) {
    this.#sink = sink;
    this.#flushScheduler = flushScheduler;
  }

  /** Writes what the subscriber has, and from now on what it gets. */
  add(subscriber: Subscriber): void {
    subscriber.attach(this);
    this.markDirty(subscriber);
  }

  markDirty(subscriber: Subscriber): void {
    if (this.#ended) return;
    if (!subscriber.isDirty) this.#addDirty(subscriber);
    subscriber.isDirty = true;
    this.#schedule();
  }

  /** Call it when the socket has drained. */
  onDrain(): void {
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
    if (this.#dirty.length > 0) this.#schedule();
  }

  /** Resolves when few subscribers have frames to write, and when the writer has ended. */
  async whenFewDirty(): Promise<void> {
    while (this.#dirty.length > FEW && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#onFewDirty ??= [];
        this.#onFewDirty.push(resolve);
      });
    }
  }

  remove(subscriber: Subscriber): void {
    subscriber.isDirty = false;
    this.#removeClean();
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#stalled);
    this.#dirty = NONE;
    this.#tellFewDirty();
  }

  flush(): void {
    this.#isDue = false;
    if (this.#ended) return;
    if (this.#sink.isFull()) {
      this.#behindSince ??= performance.now();
      this.#sink.awaitDrain();
      this.#stalled ??= setTimeout(() => this.#sink.abort('stalled'), STALLED_MS);
      return;
    }
    const batches = this.#collect();
    if (batches.length > 0) this.#sink.write(batches);
    if (this.#dirty.length === 0) this.#behindSince = undefined;
    else if (batches.length > 0) this.#schedule();
  }

  #addDirty(subscriber: Subscriber): void {
    if (this.#dirty === NONE) this.#dirty = [subscriber];
    else this.#dirty.push(subscriber);
  }

  #schedule(): void {
    if (this.#isDue || this.#ended) return;
    this.#isDue = true;
    this.#flushScheduler.add(this);
  }

  /** Takes batches from the dirty subscribers, up to the size of one write. */
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

  /** The next batch of a subscriber; undefined when it has none now. After its last batch the subscriber is clean. */
  #take(subscriber: Subscriber): readonly Frame[] | undefined {
    if (this.#reading?.has(subscriber)) return undefined;
    const frames = subscriber.take();
    if (frames === undefined) {
      // Each read that ends leads to a flush, which begins the next one.
      if ((this.#reading?.size ?? 0) < MAX_READS) void this.#catchUp(subscriber);
      return undefined;
    }
    if (frames.length === 0 || subscriber.isCurrent) subscriber.isDirty = false;
    return frames.length > 0 ? frames : undefined;
  }

  /** In place, and without shrinking the array's memory: the next event fills it again. */
  #removeClean(): void {
    let kept = 0;
    for (const subscriber of this.#dirty) if (subscriber.isDirty) this.#dirty[kept++] = subscriber;
    while (this.#dirty.length > kept) this.#dirty.pop();
    if (kept <= FEW) this.#tellFewDirty();
  }

  #tellFewDirty(): void {
    const waiting = this.#onFewDirty;
    this.#onFewDirty = undefined;
    for (const resolve of waiting ?? []) resolve();
  }

  async #catchUp(subscriber: Subscriber): Promise<void> {
    this.#reading ??= new Set();
    this.#reading.add(subscriber);
    try {
      const frames = await subscriber.catchUp(this.#isSlow());
      this.#reading.delete(subscriber);
      if (this.#ended) return;
      if (frames.length > 0 && subscriber.isDirty) this.#sink.write([frames]);
      // Also after the removal of this subscriber: another one may wait for its read.
      this.#schedule();
    } catch {
      if (!this.#ended) this.#sink.abort('failed');
    }
  }

  #isSlow(): boolean {
    return this.#behindSince !== undefined && performance.now() - this.#behindSince > SLOW_MS;
  }
}
