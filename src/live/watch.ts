/** One connection's view of one organization: a cursor, and what comes after it. Not a queue. */
import type { LostReason } from '../contract/stream-event.ts';
import type { LoggedEvent, StreamState } from '../events/log.ts';
import type { Channel } from './channel.ts';
import { encodeFrame, encodeState, type Frame } from './frame.ts';
import { decideStart } from './resume.ts';

/** Who is further behind gets one snapshot, and the ends of runs before it. */
const CATCH_UP_AT_MOST = 1_000;

export interface Watch {
  readonly organizationId: number;
  readonly epoch: string;
  /** `seq` at the moment of joining. */
  readonly head: number;
  readonly recovered: boolean;
  readonly reason: LostReason | null;
  /** `seq` of the last frame taken. */
  readonly cursor: number;
  /** The frames after the cursor, in order, and moves it there. Undefined: they are not in memory, call `catchUp`. */
  take(): readonly Frame[] | undefined;
  /** Reads from the log what is no longer in memory, or folds it when it is too much. One call at a time. */
  catchUp(): Promise<readonly Frame[]>;
  end(): void;
}

export interface WatchPlan {
  /** The client's cursor, as it was sent; undefined on a fresh connection. */
  since: string | undefined;
  /** Gives a snapshot and the ends of runs instead of every event. */
  folded: boolean;
}

/** What lies between two places of the log; `terminal` leaves only the ends of runs. */
export type ReadLog = (
  after: number,
  options: { terminal: boolean; limit: number },
) => Promise<LoggedEvent[]>;

export function createWatch(
  channel: Channel,
  state: StreamState,
  plan: WatchPlan,
  readLog: ReadLog,
  end: () => void,
): Watch {
  const start = decideStart(plan.since, state);
  let cursor = start.after;
  let first: Frame | undefined = start.snapshot
    ? encodeState(state.epoch, { ...state, seq: state.head })
    : undefined;

  const moveTo = (frames: readonly Frame[]): readonly Frame[] => {
    cursor = frames.at(-1)?.seq ?? cursor;
    return frames;
  };
  return {
    organizationId: channel.organizationId,
    epoch: state.epoch,
    head: state.head,
    recovered: start.recovered,
    reason: start.reason,
    get cursor() {
      return cursor;
    },
    take() {
      if (first !== undefined) {
        const snapshot = first;
        first = undefined;
        return [snapshot];
      }
      const frames = channel.framesAfter(cursor);
      if (frames === undefined || frames.length === 0) return frames;
      return moveTo(plan.folded ? fold(frames, channel) : frames);
    },
    async catchUp() {
      if (channel.head - cursor <= CATCH_UP_AT_MOST) {
        const events = await readLog(cursor, { terminal: false, limit: CATCH_UP_AT_MOST });
        return moveTo(events.map((event) => encodeFrame(state.epoch, event)));
      }
      // The snapshot first: an end that happens while the log is being read comes after it, as an event of its own.
      const snapshot = channel.snapshot();
      const ends = await readLog(cursor, { terminal: true, limit: CATCH_UP_AT_MOST });
      const before = ends.filter((event) => event.seq <= snapshot.seq);
      return moveTo([...before.map((event) => encodeFrame(state.epoch, event)), snapshot]);
    },
    end,
  };
}

function fold(frames: readonly Frame[], channel: Channel): readonly Frame[] {
  const ends = frames.filter((frame) => frame.terminal);
  return ends.length === frames.length ? ends : [...ends, channel.snapshot()];
}
