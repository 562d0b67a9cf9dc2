/** What the live layer counts about itself, for whoever measures it. Plain numbers; reading them costs nothing. */

export interface LiveStats {
  sseConnections: number;
  socketConnections: number;
  /** Snapshots that stood for events a slow or conflated client was not sent. */
  folded: number;
  /** Connections that took nothing for too long. */
  closedSlow: number;
  rotated: number;
  /** Times the database turned out to hold another history. */
  historiesLost: number;
  /** Reads of the event log for all watchers together, and for one that had fallen behind. */
  logReads: number;
  catchUpReads: number;
  pollsFromMemory: number;
  /** Bytes of the encoded events held for replay. */
  ringBytes: number;
  listenerHealthy: boolean;
  /** Milliseconds from commit until its watchers are told, newest last, at most 1,024: by the clocks of both machines. */
  readonly lagMs: readonly number[];
}

export interface LiveCounters extends LiveStats {
  noteLag(committedAt: number): void;
}

const LAGS_KEPT = 1_024;

export function createLiveCounters(): LiveCounters {
  const lagMs: number[] = [];
  return {
    sseConnections: 0,
    socketConnections: 0,
    folded: 0,
    closedSlow: 0,
    rotated: 0,
    historiesLost: 0,
    logReads: 0,
    catchUpReads: 0,
    pollsFromMemory: 0,
    ringBytes: 0,
    listenerHealthy: true,
    lagMs,
    noteLag(committedAt) {
      if (lagMs.length >= LAGS_KEPT) lagMs.splice(0, LAGS_KEPT / 2);
      lagMs.push(Math.max(0, Date.now() - committedAt));
    },
  };
}
