/**
 * The event log as the feed reads it: the port. Two adapters: postgres-event-log.ts, and the benchmark's, which keeps events
 * in memory so that the fan-out is measured alone.
 *
 * Each call is answered in bounded time or fails; the caller asks again.
 */
import type { Heads, LoggedEvent, Position, StreamState } from './event-queries.ts';
import type { FoundTrace, Trace } from './unlogged-changes.ts';

export interface EventLog {
  readHeads(): Promise<Heads>;
  /** One state for each id, known or not, all of the same moment. */
  readStates(organizationIds: readonly number[]): Promise<StreamState[]>;
  /**
   * What happened after each position, at most `limit` events of each organization, in order; `terminal`: only ends of runs.
   *
   * @throws HistoryLostError when the events are of another epoch
   */
  readAfter(
    epoch: string,
    positions: readonly Position[],
    options: { limit: number; terminal?: boolean },
  ): Promise<LoggedEvent[]>;
  /** Ends an epoch whose history is lost, for every server. */
  endEpoch(epoch: string): Promise<void>;
  /** Compares `sync_logs` with the log: what was written with triggers bypassed has no event. */
  readTraces(before: readonly Pick<Trace, 'organizationId' | 'head'>[]): Promise<FoundTrace[]>;
  /** Tells clients what the table says now, unless something was logged since. */
  appendSnapshot(trace: Trace): Promise<void>;
  close(): Promise<void>;
}
