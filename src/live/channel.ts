/**
 * What this process holds of one organization while somebody watches it: the newest events, encoded, and where the
 * organization stands. Bounded: who is further behind reads the log.
 */
import type { LoggedEvent, RunAt, StreamState } from '../events/log.ts';
import { encodeFrame, encodeState, type Frame } from './frame.ts';

const FRAMES_KEPT = 256;

export interface Channel {
  readonly organizationId: number;
  readonly epoch: string;
  /** `seq` of the newest event that was read. */
  readonly head: number;
  /** Takes what was read from the log; what it has already is passed over. */
  append(events: readonly LoggedEvent[]): void;
  /** The frames after a `seq`, in order; undefined when the oldest of them is no longer here. */
  framesAfter(seq: number): readonly Frame[] | undefined;
  /** Where the organization stands at `head`. */
  snapshot(): Frame;
}

export function createChannel(state: StreamState): Channel {
  const { organizationId, epoch } = state;
  let { head, latest, at } = state;
  let frames: Frame[] = [];
  let snapshot: Frame | undefined;
  /** Most watches are at the same place: they are given the same array, and share what is made of it. */
  let lastGiven: { after: number; frames: readonly Frame[] } | undefined;

  const take = (event: LoggedEvent): void => {
    head = event.seq;
    at = event.at;
    // A deletion tells the latest run itself; any other event replaces it only with the same run or a newer one.
    if (event.type === 'snapshot') latest = event.run;
    else if (event.run !== null && !isOlder(event.run, latest)) latest = event.run;
    frames.push(encodeFrame(epoch, event));
    snapshot = undefined;
    lastGiven = undefined;
  };
  return {
    organizationId,
    epoch,
    get head() {
      return head;
    },
    append(events) {
      for (const event of events) if (event.seq > head) take(event);
      if (frames.length > FRAMES_KEPT * 2) frames = frames.slice(-FRAMES_KEPT);
    },
    framesAfter(seq) {
      if (seq >= head) return [];
      const behind = head - seq;
      if (behind > frames.length) return undefined;
      if (lastGiven?.after !== seq) lastGiven = { after: seq, frames: frames.slice(frames.length - behind) };
      return lastGiven.frames;
    },
    snapshot() {
      snapshot ??= encodeState(epoch, { organizationId, seq: head, at, latest });
      return snapshot;
    },
  };
}

/** Times are texts of one format, so they compare as they are. */
function isOlder(run: RunAt, latest: RunAt | null): boolean {
  if (latest === null || run.id === latest.id) return false;
  return run.startedAt === latest.startedAt ? run.id < latest.id : run.startedAt < latest.startedAt;
}
