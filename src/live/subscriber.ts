/**
 * One connection's view of one organization: a cursor, and what comes after it. Not a queue.
 *
 * What `hello` promised is kept to the letter: a resumed watch gets every event up to the head it joined at. After that
 * a reader that takes what it is given gets every event, from memory or from the log; one that has been behind for long
 * is given the ends of runs and a snapshot for what it missed.
 */
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

/** Events that one read for one watch takes. */
const BATCH_SIZE = 128;

export interface Subscriber {
  readonly organizationId: number;
  readonly epoch: string;
  /** `seq` at the moment of joining. */
  readonly head: number;
  readonly recovered: boolean;
  readonly reason: LostReason | null;
  /** `seq` of the last frame taken. */
  readonly cursor: number;
  /** Whether everything that is in memory was taken. */
  readonly isCurrent: boolean;
  /** Whether there may be something to take. Its delivery's to set. */
  isDirty: boolean;
  /** The next frames after the cursor, in order, and moves it behind them. Undefined: not in memory, call `catchUp`. */
  take(): readonly Frame[] | undefined;
  /**
   * Reads from the log what is no longer in memory. One call at a time, until `take` gives something again.
   *
   * @param isSlow the reader has been behind for long, because it does not take what it is given
   * @throws HistoryLostError when what was promised has gone meanwhile; the connection has to begin anew
   */
  catchUp(isSlow: boolean): Promise<readonly Frame[]>;
  end(): void;
}

export interface SubscribeOptions {
  /** The client's cursor, as it was sent; undefined on a fresh connection. */
  since: string | undefined;
  /** Gives a snapshot and the ends of runs instead of every event. */
  folded: boolean;
}

export interface SubscriberDeps {
  /** What follows a place of the log; `terminal` leaves only the ends of runs. */
  after(
    epoch: string,
    position: Position,
    options: { terminal: boolean; limit: number },
  ): Promise<LoggedEvent[]>;
  state(organizationId: number): Promise<StreamState>;
  /** A snapshot stands for events that were not sent. */
  onFold(): void;
  /** A watch of this organization has ended. */
  onEnded(organizationId: number): void;
}

export function createSubscriber(
  entry: CacheEntry,
  state: StreamState,
  options: SubscribeOptions,
  deps: SubscriberDeps,
  onNews: (organizationId: number) => void,
): Subscriber {
  return new OrganizationSubscriber(entry, state, options, deps, onNews);
}

/** A class: there are thousands of these, and functions of their own for each would be most of what an idle stream costs. */
class OrganizationSubscriber implements Subscriber, ChannelListener {
  readonly epoch: string;
  readonly head: number;
  readonly recovered: boolean;
  readonly reason: LostReason | null;
  cursor: number;
  isDirty = false;
  readonly #entry: CacheEntry;
  readonly #deps: SubscriberDeps;
  readonly #onNews: (organizationId: number) => void;
  readonly #isFolded: boolean;
  /** The state to begin with; let go of when it has been given. */
  #first: StreamState | undefined;

  constructor(
    entry: CacheEntry,
    state: StreamState,
    options: SubscribeOptions,
    deps: SubscriberDeps,
    onNews: (organizationId: number) => void,
  ) {
    const start = decideStart(options.since, state);
    this.epoch = entry.channel.epoch;
    this.head = state.head;
    this.recovered = start.recovered;
    this.reason = start.reason;
    this.cursor = start.after;
    this.#entry = entry;
    this.#deps = deps;
    this.#onNews = onNews;
    this.#isFolded = options.folded;
    this.#first = start.snapshot ? state : undefined;
    entry.listeners.add(this);
  }

  get organizationId(): number {
    return this.#entry.channel.organizationId;
  }

  get isCurrent(): boolean {
    return this.#first === undefined && this.cursor >= this.#entry.channel.head;
  }

  onNews(): void {
    this.#onNews(this.organizationId);
  }

  take(): readonly Frame[] | undefined {
    if (this.#first !== undefined) return this.#firstSnapshot(this.#first);
    const { channel } = this.#entry;
    if (!this.#isFolded) return this.#moveTo(channel.framesAfter(this.cursor));
    const frames = channel.foldAfter(this.cursor);
    if (frames !== undefined && frames.at(-1)?.terminal === false) this.#deps.onFold();
    return this.#moveTo(frames);
  }

  async catchUp(isSlow: boolean): Promise<readonly Frame[]> {
    const isPromised = this.cursor < this.head;
    const mayFold = this.#isFolded || (isSlow && !isPromised);
    if (!mayFold) {
      const frames = await this.#readEvery();
      if (frames !== undefined) return this.#moveTo(frames);
      if (isPromised) throw new HistoryLostError('What was to be replayed is no longer in the history.');
    }
    return this.#moveTo(await this.#readFolded());
  }

  end(): void {
    this.#entry.listeners.delete(this);
    this.#deps.onEnded(this.organizationId);
  }

  #moveTo<Frames extends readonly Frame[] | undefined>(frames: Frames): Frames {
    this.cursor = frames?.at(-1)?.seq ?? this.cursor;
    return frames;
  }

  #firstSnapshot(state: StreamState): readonly Frame[] {
    this.#first = undefined;
    const { channel } = this.#entry;
    const shared = state.head === channel.head ? channel.snapshot() : undefined;
    return [shared ?? encodeState(this.epoch, { ...state, seq: state.head })];
  }

  #after(terminal: boolean): Promise<LoggedEvent[]> {
    const position = { organizationId: this.organizationId, seq: this.cursor };
    return this.#deps.after(this.epoch, position, { terminal, limit: BATCH_SIZE });
  }

  /** Undefined when an event is missing: there are some, or we would not have been asked. */
  async #readEvery(): Promise<readonly Frame[] | undefined> {
    const events = await this.#after(false);
    const isWhole = events.every((event, index) => event.seq === this.cursor + 1 + index);
    return isWhole && events.length > 0 ? events.map((event) => encodeFrame(this.epoch, event)) : undefined;
  }

  /** Portion by portion; the snapshot comes after the last end before it. */
  async #readFolded(): Promise<readonly Frame[]> {
    // Taken first: an end that happens while the log is being read comes after it, as an event of its own.
    const snapshot = this.#entry.channel.snapshot() ?? encodeState(this.epoch, await this.#currentState());
    const ends = await this.#after(true);
    const before = ends
      .filter((event) => event.seq <= snapshot.seq)
      .map((event) => encodeFrame(this.epoch, event));
    if (before.length === BATCH_SIZE) return before;
    this.#deps.onFold();
    return [...before, snapshot];
  }

  async #currentState() {
    const now = await this.#deps.state(this.organizationId);
    if (now.epoch !== this.epoch) throw new HistoryLostError('The organization stands in another history.');
    return { ...now, seq: now.head };
  }
}
