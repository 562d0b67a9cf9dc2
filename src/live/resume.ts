/** Decides where a stream starts, from the client's cursor and the state of the organization. Pure. */
import { parseCursor } from '#contract/cursor.ts';
import { type LogRange, whyLost } from '#contract/lost-cursor.ts';
import { type LostReason, MAX_REPLAYED_EVENTS } from '#contract/stream-event.ts';

export interface Start {
  /** Why the missed events cannot be replayed; null when they can. */
  reason: LostReason | null;
  /** The next events have a greater `seq`. */
  after: number;
  /** Whether the stream starts with a snapshot at `after`. */
  snapshot: boolean;
}

/** @param since the client's last cursor, unparsed; undefined on a fresh connection */
export function decideStart(since: string | undefined, state: LogRange): Start {
  if (since === undefined) return { reason: null, after: state.head, snapshot: true };
  const reason = whyLost(since, state, MAX_REPLAYED_EVENTS);
  if (reason !== null) return { reason, after: state.head, snapshot: true };
  return { reason: null, after: Number(parseCursor(since)?.seq), snapshot: false };
}
