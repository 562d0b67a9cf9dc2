/**
 * What this process holds of one organization: the newest events, encoded, and where the organization stands.
 *
 * The events are a ring without gaps that ends at `head`. Who is further behind than it reads the log.
 */
import type { LoggedEvent, RunAt, StreamState } from '../events/log.ts';
import { encodeFrame, encodeState, type Frame } from './frame.ts';

const FRAMES_KEPT = 256;

/** What is given at once: about as much as a socket takes. */
const GIVEN_BYTES = 64 * 1024;

export interface Channel {
  readonly organizationId: number;
  readonly epoch: string;
  /** `seq` of the newest event that was read. */
  readonly head: number;
  /** Of the encoded events. */
  readonly bytes: number;
  /** False when the latest run cannot be told from the events alone: `settle` it from the database. */
  readonly isSure: boolean;
  /** Takes what was read from the log; what it has already is passed over. */
  append(events: readonly LoggedEvent[]): void;
  /** The next frames after a `seq`, in order; undefined when the first of them is no longer here. */
  framesAfter(seq: number): readonly Frame[] | undefined;
  /** The same, folded: the ends of runs, then a snapshot. */
  foldAfter(seq: number): readonly Frame[] | undefined;
  /** Where the organization stands at `head`; undefined while that is not sure. */
  state(): StreamState | undefined;
  snapshot(): Frame | undefined;
  settle(state: StreamState): void;
  /** Lets go of the ring, not of the state. */
  forgetFrames(): void;
}

export function createChannel(first: StreamState): Channel {
  const { organizationId, epoch } = first;
  let { head, latest, at } = first;
  let frames: Frame[] = [];
  let bytes = 0;
  let isSure = true;
  let snapshot: Frame | undefined;
  /** Most watches are at one of few places: each place has one array, and shares what is made of it. */
  const given = new Map<number, readonly Frame[]>();
  const folds = new Map<number, readonly Frame[]>();

  const keep = (kept: Frame[]): void => {
    frames = kept;
    bytes = kept.reduce((sum, frame) => sum + frame.sse.length, 0);
  };
  const forgetGiven = (): void => {
    snapshot = undefined;
    given.clear();
    folds.clear();
  };
  const follow = (event: LoggedEvent): void => {
    const { run, type } = event;
    // A deletion tells the latest run itself; any other event replaces it only with the same run or a newer one.
    if (type === 'snapshot') {
      latest = run;
      isSure = true;
    } else if (run !== null && run.id === latest?.id) {
      // Its start was moved into the past: another run may be the latest now.
      if (run.startedAt < latest.startedAt) isSure = false;
      latest = run;
    } else if (run !== null && !isOlder(run, latest)) latest = run;
  };
  const take = (event: LoggedEvent): void => {
    // The log has lost what lies between (retention): the ring begins anew.
    if (event.seq !== head + 1) keep([]);
    head = event.seq;
    at = event.at;
    follow(event);
    const frame = encodeFrame(epoch, event);
    frames.push(frame);
    bytes += frame.sse.length;
  };
  const place = (seq: number): number | undefined => {
    const behind = head - seq;
    return behind > frames.length ? undefined : frames.length - behind;
  };
  const channel: Channel = {
    organizationId,
    epoch,
    get head() {
      return head;
    },
    get bytes() {
      return bytes;
    },
    get isSure() {
      return isSure;
    },
    append(events) {
      // Before, not after: whoever keeps up finds the whole of what was just read.
      if (frames.length > FRAMES_KEPT) keep(frames.slice(-FRAMES_KEPT));
      forgetGiven();
      for (const event of events) if (event.seq > head) take(event);
    },
    framesAfter(seq) {
      if (seq >= head) return [];
      const from = place(seq);
      if (from === undefined) return undefined;
      const known = given.get(seq) ?? frames.slice(from, endOfPortion(frames, from));
      given.set(seq, known);
      return known;
    },
    foldAfter(seq) {
      if (seq >= head) return [];
      const from = place(seq);
      const now = channel.snapshot();
      if (from === undefined || now === undefined) return undefined;
      const known = folds.get(seq) ?? fold(frames.slice(from), now);
      folds.set(seq, known);
      return known;
    },
    state() {
      if (!isSure) return undefined;
      return { organizationId, epoch, head, oldest: head - frames.length + 1, latest, at };
    },
    snapshot() {
      if (isSure) snapshot ??= encodeState(epoch, { organizationId, seq: head, at, latest });
      return snapshot;
    },
    settle(state) {
      if (state.head !== head) return;
      latest = state.latest;
      isSure = true;
      forgetGiven();
    },
    forgetFrames() {
      keep([]);
      forgetGiven();
    },
  };
  return channel;
}

function fold(frames: readonly Frame[], snapshot: Frame): readonly Frame[] {
  const ends = frames.filter((frame) => frame.terminal);
  return ends.length === frames.length ? ends : [...ends, snapshot];
}

/** At least one frame, however large. */
function endOfPortion(frames: readonly Frame[], from: number): number {
  let bytes = 0;
  for (let end = from; end < frames.length; end++) {
    bytes += frames[end]?.sse.length ?? 0;
    if (bytes > GIVEN_BYTES) return Math.max(end, from + 1);
  }
  return frames.length;
}

/** Times are texts of one format, so they compare as they are. */
function isOlder(run: RunAt, latest: RunAt | null): boolean {
  if (latest === null || run.id === latest.id) return false;
  return run.startedAt === latest.startedAt ? run.id < latest.id : run.startedAt < latest.startedAt;
}
