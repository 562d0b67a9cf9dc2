/**
 * The state of one organization in memory: its newest events, encoded, and its latest run.
 *
 * The events are a ring without gaps that ends at `head`. A subscriber further behind than the ring reads the log.
 */
import { isEarlierRun } from '#contract/run-order.ts';
import type { LoggedEvent, RunAt, StreamState } from '../events/event-queries.ts';
import { encodeFrame, encodeState, type Frame } from './frame.ts';

const FRAMES_KEPT = 256;

/** The joined bytes of one take up to twice the size of a batch, beside the limit of all rings. */
const CURSORS_SHARED = 8;

/** The size of one batch: about what a socket accepts. */
const BATCH_BYTES = 64 * 1024;

export class Channel {
  readonly organizationId: number;
  readonly epoch: string;
  #head: number;
  #latest: RunAt | null;
  #at: string;
  #hasOlder: boolean | undefined;
  #frames: Frame[] = [];
  #bytes = 0;
  #isLatestKnown = true;
  #snapshot: Frame | undefined;
  /** Most subscribers share a few cursors. One array for each cursor lets them share the joined bytes too (frame.ts). */
  readonly #batches: Batches = new Map();
  readonly #folds: Batches = new Map();

  constructor({ organizationId, epoch, head, latest, at, hasOlder }: StreamState) {
    this.organizationId = organizationId;
    this.epoch = epoch;
    this.#head = head;
    this.#latest = latest;
    this.#at = at;
    this.#hasOlder = hasOlder;
  }

  /** `seq` of the newest event in the channel. */
  get head(): number {
    return this.#head;
  }

  /** The size of the encoded events. */
  get bytes(): number {
    return this.#bytes;
  }

  /** False when the events do not determine the latest run: call `refreshLatest` with the state from the database. */
  get isLatestKnown(): boolean {
    return this.#isLatestKnown;
  }

  /** Appends events from the log; it skips events that it already has. */
  append(events: readonly LoggedEvent[]): void {
    // Trim before the append: a subscriber that keeps up then finds all new events, however many.
    if (this.#frames.length > FRAMES_KEPT) this.#keep(this.#frames.slice(-FRAMES_KEPT));
    this.#clearDerived();
    for (const event of events) if (event.seq > this.#head) this.#take(event);
  }

  /** The next frames after `seq`, in order; undefined when the ring no longer has the first of them. */
  framesAfter(seq: number): readonly Frame[] | undefined {
    if (seq >= this.#head) return [];
    const from = this.#indexAfter(seq);
    if (from === undefined) return undefined;
    const frames = this.#frames;
    return this.#batches.get(seq) ?? share(this.#batches, seq, frames.slice(from, endOfBatch(frames, from)));
  }

  /** The same, folded: the ends of runs, then a snapshot. Undefined also when no snapshot can be made. */
  foldAfter(seq: number): readonly Frame[] | undefined {
    if (seq >= this.#head) return [];
    const from = this.#indexAfter(seq);
    const now = this.snapshot();
    if (from === undefined || now === undefined) return undefined;
    return this.#folds.get(seq) ?? share(this.#folds, seq, fold(this.#frames.slice(from), now));
  }

  /** The state of the organization at `head`; undefined while `isLatestKnown` is false. */
  state(): StreamState | undefined {
    if (!this.#isLatestKnown) return undefined;
    const { organizationId, epoch } = this;
    const oldest = this.#head - this.#frames.length + 1;
    const { latest, hasOlder } = { latest: this.#latest, hasOlder: this.#hasOlder };
    return { organizationId, epoch, head: this.#head, oldest, latest, at: this.#at, hasOlder };
  }

  snapshot(): Frame | undefined {
    if (!this.#isLatestKnown) return this.#snapshot;
    const { organizationId, epoch, head } = this;
    this.#snapshot ??= encodeState({ organizationId, epoch, head, at: this.#at, latest: this.#latest });
    return this.#snapshot;
  }

  refreshLatest(state: StreamState): void {
    if (state.head !== this.#head) return;
    this.#latest = state.latest;
    this.#hasOlder = state.hasOlder;
    this.#isLatestKnown = true;
    this.#clearDerived();
  }

  /** Stores a result that was read from the database at this `head`. */
  setHasOlder(head: number, hasOlder: boolean): void {
    if (head === this.#head) this.#hasOlder = hasOlder;
  }

  /** Frees the ring, but keeps the state. */
  dropFrames(): void {
    this.#keep([]);
    this.#clearDerived();
  }

  #take(event: LoggedEvent): void {
    // Retention deleted the events between: the ring restarts at this event.
    if (event.seq !== this.#head + 1) this.#keep([]);
    this.#head = event.seq;
    this.#at = event.at;
    this.#follow(event);
    const frame = encodeFrame(this.epoch, event);
    this.#frames.push(frame);
    this.#bytes += frame.sse.length;
  }

  #follow({ run, type }: LoggedEvent): void {
    const latest = this.#latest;
    // A snapshot contains the latest run. Any other event replaces it only with the same run or a newer one.
    if (type === 'snapshot') {
      this.#latest = run;
      this.#isLatestKnown = true;
      this.#hasOlder = run === null ? false : undefined;
    } else if (run !== null && run.id === latest?.id) {
      // The start of the run moved into the past: another run may be the latest now.
      if (run.startedAt < latest.startedAt) this.#isLatestKnown = false;
      this.#latest = run;
    } else if (run !== null) {
      this.#hasOlder = latest !== null;
      if (!isEarlierRun(run, latest)) this.#latest = run;
    }
  }

  #keep(frames: Frame[]): void {
    this.#frames = frames;
    this.#bytes = frames.reduce((sum, frame) => sum + frame.sse.length, 0);
  }

  #clearDerived(): void {
    this.#snapshot = undefined;
    this.#batches.clear();
    this.#folds.clear();
  }

  #indexAfter(seq: number): number | undefined {
    const behind = this.#head - seq;
    return behind > this.#frames.length ? undefined : this.#frames.length - behind;
  }
}

type Batches = Map<number, readonly Frame[]>;

/** From now on the subscribers at this cursor get the same array. */
function share(batches: Batches, seq: number, frames: readonly Frame[]): readonly Frame[] {
  if (batches.size >= CURSORS_SHARED) batches.clear();
  batches.set(seq, frames);
  return frames;
}

function fold(frames: readonly Frame[], snapshot: Frame): readonly Frame[] {
  const ends = frames.filter((frame) => frame.terminal);
  return ends.length === frames.length ? ends : [...ends, snapshot];
}

/** At least one frame, however large. */
function endOfBatch(frames: readonly Frame[], from: number): number {
  let bytes = 0;
  for (let end = from; end < frames.length; end++) {
    bytes += frames[end]?.sse.length ?? 0;
    if (bytes > BATCH_BYTES) return Math.max(end, from + 1);
  }
  return frames.length;
}
