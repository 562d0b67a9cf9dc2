/**
 * What this process holds of one organization: the newest events, encoded, and where the organization stands.
 *
 * The events are a ring without gaps that ends at `head`. Who is further behind than it reads the log.
 */
import type { LoggedEvent, RunAt, StreamState } from '../events/event-queries.ts';
import { encodeFrame, encodeState, type Frame } from './frame.ts';

const FRAMES_KEPT = 256;

/** What is given at once: about as much as a socket takes. */
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
  /** Most watches are at one of few places: each place has one array, and shares what is made of it. */
  readonly #batches = new Map<number, readonly Frame[]>();
  readonly #folds = new Map<number, readonly Frame[]>();

  constructor({ organizationId, epoch, head, latest, at, hasOlder }: StreamState) {
    this.organizationId = organizationId;
    this.epoch = epoch;
    this.#head = head;
    this.#latest = latest;
    this.#at = at;
    this.#hasOlder = hasOlder;
  }

  /** `seq` of the newest event that was read. */
  get head(): number {
    return this.#head;
  }

  /** Of the encoded events. */
  get bytes(): number {
    return this.#bytes;
  }

  /** False when the latest run cannot be told from the events alone: `settle` it from the database. */
  get isLatestKnown(): boolean {
    return this.#isLatestKnown;
  }

  /** Takes what was read from the log; what it has already is passed over. */
  append(events: readonly LoggedEvent[]): void {
    // Before, not after: whoever keeps up finds the whole of what was just read.
    if (this.#frames.length > FRAMES_KEPT) this.#keep(this.#frames.slice(-FRAMES_KEPT));
    this.#clearDerived();
    for (const event of events) if (event.seq > this.#head) this.#take(event);
  }

  /** The next frames after a `seq`, in order; undefined when the first of them is no longer here. */
  framesAfter(seq: number): readonly Frame[] | undefined {
    if (seq >= this.#head) return [];
    const from = this.#indexAfter(seq);
    if (from === undefined) return undefined;
    const known = this.#batches.get(seq) ?? this.#frames.slice(from, endOfBatch(this.#frames, from));
    this.#batches.set(seq, known);
    return known;
  }

  /** The same, folded: the ends of runs, then a snapshot. */
  foldAfter(seq: number): readonly Frame[] | undefined {
    if (seq >= this.#head) return [];
    const from = this.#indexAfter(seq);
    const now = this.snapshot();
    if (from === undefined || now === undefined) return undefined;
    const known = this.#folds.get(seq) ?? fold(this.#frames.slice(from), now);
    this.#folds.set(seq, known);
    return known;
  }

  /** Where the organization stands at `head`; undefined while that is not sure. */
  state(): StreamState | undefined {
    if (!this.#isLatestKnown) return undefined;
    const { organizationId, epoch } = this;
    const oldest = this.#head - this.#frames.length + 1;
    const { latest, hasOlder } = { latest: this.#latest, hasOlder: this.#hasOlder };
    return { organizationId, epoch, head: this.#head, oldest, latest, at: this.#at, hasOlder };
  }

  snapshot(): Frame | undefined {
    if (!this.#isLatestKnown) return this.#snapshot;
    const { organizationId, epoch } = this;
    this.#snapshot ??= encodeState(epoch, {
      organizationId,
      seq: this.#head,
      at: this.#at,
      latest: this.#latest,
    });
    return this.#snapshot;
  }

  refreshLatest(state: StreamState): void {
    if (state.head !== this.#head) return;
    this.#latest = state.latest;
    this.#hasOlder = state.hasOlder;
    this.#isLatestKnown = true;
    this.#clearDerived();
  }

  /** What somebody read from the database when the head was there. */
  learn(head: number, hasOlder: boolean): void {
    if (head === this.#head) this.#hasOlder = hasOlder;
  }

  /** Lets go of the ring, not of the state. */
  dropFrames(): void {
    this.#keep([]);
    this.#clearDerived();
  }

  #take(event: LoggedEvent): void {
    // The log has lost what lies between (retention): the ring begins anew.
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
    // A deletion tells the latest run itself; any other event replaces it only with the same run or a newer one.
    if (type === 'snapshot') {
      this.#latest = run;
      this.#isLatestKnown = true;
      this.#hasOlder = run === null ? false : undefined;
    } else if (run !== null && run.id === latest?.id) {
      // Its start was moved into the past: another run may be the latest now.
      if (run.startedAt < latest.startedAt) this.#isLatestKnown = false;
      this.#latest = run;
    } else if (run !== null) {
      this.#hasOlder = latest !== null;
      if (!isOlder(run, latest)) this.#latest = run;
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

/** Times are texts of one format, so they compare as they are. */
function isOlder(run: RunAt, latest: RunAt | null): boolean {
  if (latest === null || run.id === latest.id) return false;
  return run.startedAt === latest.startedAt ? run.id < latest.id : run.startedAt < latest.startedAt;
}
