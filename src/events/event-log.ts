/**
 * The event log as the hub reads it: the port. Two adapters: postgres-event-log.ts, and the one of the benchmark, which keeps
 * events in memory to measure the fan-out alone.
 *
 * Each call succeeds or fails within a time limit; the caller retries.
 */
import type { LoggedEvent, Position, StreamState } from './event-queries.ts';
import type { Heads } from './heads.ts';
import type { FoundFingerprint, LogFingerprint } from './unlogged-changes.ts';

export interface EventLog {
  /** At least so long from one read of new events to the next: each costs a statement, whether it finds one event or many. */
  readonly spacingMs: number;
  /**
   * The heads of all organizations, or of those that changed.
   *
   * @param since the `horizon` of an earlier read of the same history
   */
  readHeads(since?: string): Promise<Heads>;
  /**
   * Every organization that is registered or has an event stream: those with a run in progress first, then those with the
   * newest runs.
   */
  readOrganizations(): Promise<{ epoch: string; ids: number[] }>;
  /** One state for each id, known or not, all read in one statement. */
  readStates(organizationIds: readonly number[]): Promise<StreamState[]>;
  /**
   * The events after each position, in order, at most `limit` for each organization. `terminal`: only `completed` and `failed`.
   *
   * @throws HistoryLostError when the events belong to another epoch
   */
  readAfter(
    epoch: string,
    positions: readonly Position[],
    options: { limit: number; terminal?: boolean },
  ): Promise<LoggedEvent[]>;
  /** Ends an epoch whose history is lost, for all servers. */
  endEpoch(epoch: string): Promise<void>;
  /** Compares `sync_logs` with the log: a row written with triggers bypassed has no event. */
  readFingerprints(
    before: readonly Pick<LogFingerprint, 'organizationId' | 'head'>[],
  ): Promise<FoundFingerprint[]>;
  /** Appends a snapshot of the table's present state, unless an event was logged since the fingerprint. */
  appendSnapshot(fingerprint: LogFingerprint): Promise<void>;
  close(): Promise<void>;
}
