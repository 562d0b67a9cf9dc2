/**
 * One connection's view of one organization: a cursor, and what comes after it. Not a queue.
 *
 * What `hello` promised is kept to the letter: a resumed watch gets every event up to the head it joined at. After that
 * a reader that takes what it is given gets every event, from memory or from the log; one that has been behind for long
 * is given the ends of runs and a snapshot for what it missed.
 */
import type { LostReason } from '../contract/stream-event.ts';
import { HistoryLostError, type LoggedEvent, type StreamState } from '../events/log.ts';
import type { Channel } from './channel.ts';
import { encodeFrame, encodeState, type Frame } from './frame.ts';
import { decideStart } from './resume.ts';

/** Events that one read for one watch takes. */
const PORTION = 128;

export interface Watch {
  readonly organizationId: number;
  readonly epoch: string;
  /** `seq` at the moment of joining. */
  readonly head: number;
  readonly recovered: boolean;
  readonly reason: LostReason | null;
  /** `seq` of the last frame taken. */
  readonly cursor: number;
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

export interface WatchPlan {
  /** The client's cursor, as it was sent; undefined on a fresh connection. */
  since: string | undefined;
  /** Gives a snapshot and the ends of runs instead of every event. */
  folded: boolean;
}

export interface LogAccess {
  /** What follows a place of the log; `terminal` leaves only the ends of runs. */
  after(seq: number, options: { terminal: boolean; limit: number }): Promise<LoggedEvent[]>;
  state(): Promise<StreamState>;
  /** A snapshot stands for events that were not sent. */
  onFold(): void;
}

export function createWatch(
  channel: Channel,
  state: StreamState,
  plan: WatchPlan,
  log: LogAccess,
  end: () => void,
): Watch {
  const start = decideStart(plan.since, state);
  const { organizationId, epoch } = state;
  let cursor = start.after;
  let first = start.snapshot;

  const moveTo = (frames: readonly Frame[]): readonly Frame[] => {
    cursor = frames.at(-1)?.seq ?? cursor;
    return frames;
  };
  const firstSnapshot = (): readonly Frame[] => {
    first = false;
    const shared = state.head === channel.head ? channel.snapshot() : undefined;
    return [shared ?? encodeState(epoch, { ...state, seq: state.head })];
  };
  /** Undefined when an event is missing: there are some, or we would not have been asked. */
  const readEvery = async (): Promise<readonly Frame[] | undefined> => {
    const events = await log.after(cursor, { terminal: false, limit: PORTION });
    const isWhole = events.every((event, index) => event.seq === cursor + 1 + index);
    return isWhole && events.length > 0 ? events.map((event) => encodeFrame(epoch, event)) : undefined;
  };
  /** Portion by portion; the snapshot comes after the last end before it. */
  const readFolded = async (): Promise<readonly Frame[]> => {
    // Taken first: an end that happens while the log is being read comes after it, as an event of its own.
    const snapshot = channel.snapshot() ?? encodeState(epoch, await currentState());
    const ends = await log.after(cursor, { terminal: true, limit: PORTION });
    const before = ends
      .filter((event) => event.seq <= snapshot.seq)
      .map((event) => encodeFrame(epoch, event));
    if (before.length === PORTION) return before;
    log.onFold();
    return [...before, snapshot];
  };
  const currentState = async () => {
    const now = await log.state();
    if (now.epoch !== epoch) throw new HistoryLostError('The organization stands in another history.');
    return { ...now, seq: now.head };
  };
  return {
    organizationId,
    epoch,
    head: state.head,
    recovered: start.recovered,
    reason: start.reason,
    get cursor() {
      return cursor;
    },
    take() {
      if (first) return firstSnapshot();
      if (!plan.folded) {
        const frames = channel.framesAfter(cursor);
        return frames && moveTo(frames);
      }
      const frames = channel.foldAfter(cursor);
      if (frames !== undefined && frames.at(-1)?.terminal === false) log.onFold();
      return frames && moveTo(frames);
    },
    async catchUp(isSlow) {
      const isPromised = cursor < state.head;
      const mayFold = plan.folded || (isSlow && !isPromised);
      if (!mayFold) {
        const frames = await readEvery();
        if (frames !== undefined) return moveTo(frames);
        if (isPromised) throw new HistoryLostError('What was to be replayed is no longer in the history.');
      }
      return moveTo(await readFolded());
    },
    end,
  };
}
