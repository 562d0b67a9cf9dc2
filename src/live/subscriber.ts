/**
 * One connection's view of one organization: a cursor, and access to the frames after it. Not a queue.
 *
 * The subscriber keeps the promise of `hello`: a resumed stream gets every event up to `head` at the start. After that a
 * client that keeps up gets every event, from memory or from the log. A client that has been behind for long gets the ends of
 * runs and a snapshot instead of the missed events.
 *
 * The right to read can end while the stream is open: `take` and `catchUp` return no frames after that.
 */
import { formatCursor } from '#contract/cursor.ts';
import type { LostReason } from '#contract/stream-event.ts';
import {
  HistoryLostError,
  type LoggedEvent,
  type Position,
  type StreamState,
} from '../events/event-queries.ts';
import type { CacheEntry, ChannelListener } from './channel-cache.ts';
import { encodeFrame, encodeState, type Frame } from './frame.ts';
import { decideStart } from './resume.ts';
import type { StreamAuthorization } from './stream-authorization.ts';

/** Takes the frames of subscribers, and writes them. */
export interface FrameTaker {
  /** This subscriber may have new frames. It must return quickly and not throw. */
  markDirty(subscriber: Subscriber): void;
}

export interface Subscriber {
  readonly organizationId: number;
  readonly epoch: string;
  /** `seq` of the organization at the start of the subscriber. */
  readonly head: number;
  /** Why the events after the client's cursor are lost; null when the stream continues from it. */
  readonly reason: LostReason | null;
  /** `seq` of the last frame taken. */
  readonly cursor: number;
  /** Whether all frames in memory were taken. */
  readonly isCurrent: boolean;
  /** Whether there may be frames to take. Only the socket writer sets it. */
  isDirty: boolean;
  /** From now on calls `markDirty` of the taker when there may be new frames. Frames from before are the taker's own task. */
  attach(taker: FrameTaker): void;
  /** Returns the next frames in order, and advances the cursor. Undefined: not in memory, call `catchUp`. */
  take(): readonly Frame[] | undefined;
  /**
   * Reads from the log the frames that are no longer in memory. One call at a time, until `take` returns frames again.
   *
   * @param isSlow the socket of the client has been full for long
   * @throws HistoryLostError when promised events are gone; the connection must restart
   */
  catchUp(isSlow: boolean): Promise<readonly Frame[]>;
  end(): void;
}

export interface SubscribeOptions {
  /** The client's cursor, unparsed; undefined on a fresh connection. */
  since: string | undefined;
  /** Deliver a snapshot and the ends of runs instead of every event. */
  folded: boolean;
  /** Of the stream that reads. */
  authorization: Pick<StreamAuthorization, 'canRead'>;
}

/** Events of one read. */
export interface Batch {
  events: readonly LoggedEvent[];
  /** There may be more after them. */
  hasMore: boolean;
}

export interface SubscriberDeps {
  /** The next events after a position of the log. `terminal`: only the ends of runs. */
  after(epoch: string, position: Position, options: { terminal: boolean }): Promise<Batch>;
  state(organizationId: number): Promise<StreamState>;
  /** Called when a snapshot replaces events. */
  onFold(): void;
  /** Called when a subscriber of this organization has ended. */
  onEnded(organizationId: number): void;
}

/** The start of a stream, for the client. */
export function describeStream({ organizationId, epoch, head, reason }: Subscriber) {
  return {
    organization_id: organizationId,
    head: formatCursor(epoch, head),
    recovered: reason === null,
    reason,
  };
}

/** A class: there are thousands of subscribers, and closures would be most of the memory of an idle stream. */
export class OrganizationSubscriber implements Subscriber, ChannelListener {
  readonly head: number;
  readonly reason: LostReason | null;
  cursor: number;
  isDirty = false;
  readonly #entry: CacheEntry;
  readonly #deps: SubscriberDeps;
  readonly #isFolded: boolean;
  readonly #authorization: SubscribeOptions['authorization'];
  /** The state for the first snapshot; undefined once it was taken. */
  #first: StreamState | undefined;
  #taker: FrameTaker | undefined;

  constructor(entry: CacheEntry, state: StreamState, options: SubscribeOptions, deps: SubscriberDeps) {
    const start = decideStart(options.since, state);
    this.head = state.head;
    this.reason = start.reason;
    this.cursor = start.after;
    this.#entry = entry;
    this.#deps = deps;
    this.#isFolded = options.folded;
    this.#authorization = options.authorization;
    this.#first = start.snapshot ? state : undefined;
    entry.listeners.add(this);
  }

  get organizationId(): number {
    return this.#entry.channel.organizationId;
  }

  get epoch(): string {
    return this.#entry.channel.epoch;
  }

  get isCurrent(): boolean {
    return this.#first === undefined && this.cursor >= this.#entry.channel.head;
  }

  onNews(): void {
    this.#taker?.markDirty(this);
  }

  attach(taker: FrameTaker): void {
    this.#taker = taker;
  }

  get #canRead(): boolean {
    return this.#authorization.canRead(this.organizationId);
  }

  take(): readonly Frame[] | undefined {
    if (!this.#canRead) return [];
    if (this.#first !== undefined) return this.#firstSnapshot(this.#first);
    const { channel } = this.#entry;
    if (!this.#isFolded) return this.#moveTo(channel.framesAfter(this.cursor));
    const frames = channel.foldAfter(this.cursor);
    if (frames !== undefined && frames.at(-1)?.terminal === false) this.#deps.onFold();
    return this.#moveTo(frames);
  }

  async catchUp(isSlow: boolean): Promise<readonly Frame[]> {
    const frames = await this.#readMissed(isSlow);
    // The right may have ended during the read.
    return this.#canRead ? frames : [];
  }

  end(): void {
    this.#entry.listeners.delete(this);
    this.#deps.onEnded(this.organizationId);
  }

  async #readMissed(isSlow: boolean): Promise<readonly Frame[]> {
    const isPromised = this.cursor < this.head;
    const mayFold = this.#isFolded || (isSlow && !isPromised);
    if (!mayFold) {
      const frames = await this.#readEvery();
      if (frames !== undefined) return this.#moveTo(frames);
      if (isPromised) throw new HistoryLostError('The events to replay are no longer in the history.');
    }
    return this.#moveTo(await this.#readFolded());
  }

  #moveTo<Frames extends readonly Frame[] | undefined>(frames: Frames): Frames {
    this.cursor = frames?.at(-1)?.seq ?? this.cursor;
    return frames;
  }

  #firstSnapshot(state: StreamState): readonly Frame[] {
    this.#first = undefined;
    const { channel } = this.#entry;
    const shared = state.head === channel.head ? channel.snapshot() : undefined;
    return [shared ?? encodeState(state)];
  }

  #after(terminal: boolean): Promise<Batch> {
    const position = { organizationId: this.organizationId, seq: this.cursor };
    return this.#deps.after(this.epoch, position, { terminal });
  }

  /** Undefined when an event is missing. An empty result also counts: `catchUp` is called only when there are events. */
  async #readEvery(): Promise<readonly Frame[] | undefined> {
    const { events } = await this.#after(false);
    const gapAt = events.findIndex((event, index) => event.seq !== this.cursor + 1 + index);
    if (events.length > 0 && gapAt === -1) return events.map((event) => encodeFrame(this.epoch, event));
    // Retention deletes by time, and the clock of the database may have gone back. A client that resumes before the gap has to learn of it.
    this.#entry.replayableFrom = events[gapAt]?.seq ?? this.#entry.channel.head + 1;
    return undefined;
  }

  /** Batch by batch; the snapshot follows the last end of a run before it. */
  async #readFolded(): Promise<readonly Frame[]> {
    // Made before the read: a run that ends during the read follows the snapshot as its own event.
    const snapshot = this.#entry.channel.snapshot() ?? encodeState(await this.#currentState());
    const { events, hasMore } = await this.#after(true);
    const before = events
      .filter((event) => event.seq <= snapshot.seq)
      .map((event) => encodeFrame(this.epoch, event));
    if (hasMore && before.length === events.length) return before;
    this.#deps.onFold();
    return [...before, snapshot];
  }

  async #currentState() {
    const now = await this.#deps.state(this.organizationId);
    if (now.epoch !== this.epoch) throw new HistoryLostError('The organization has another epoch.');
    return now;
  }
}
