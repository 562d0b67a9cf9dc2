/** Counters of the live layer, for metrics. Plain numbers; reading them costs nothing. */

export interface LiveStats {
  sseConnections: number;
  socketConnections: number;
  /** Snapshots that replaced events for a slow or conflated client. */
  folded: number;
  /** Connections aborted because their socket stayed full. */
  closedSlow: number;
  rotated: number;
  /** How often the history of the database changed. */
  historiesLost: number;
  /** Reads of the event log for all subscribers together (`catchUpReads`: for one that had fallen behind). */
  logReads: number;
  catchUpReads: number;
  pollsFromMemory: number;
  /** Bytes of the encoded events held for replay. */
  ringBytes: number;
  listenerHealthy: boolean;
  /** Milliseconds from commit to notification, newest last, at most 1,024. Includes clock skew with the database. */
  readonly lagMs: readonly number[];
  /** Called with each lag value, for a consumer that keeps more than the newest. */
  onLag: ((ms: number) => void) | undefined;
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
    onLag: undefined,
    noteLag(committedAt) {
      const ms = Math.max(0, Date.now() - committedAt);
      if (lagMs.length >= LAGS_KEPT) lagMs.splice(0, LAGS_KEPT / 2);
      lagMs.push(ms);
      this.onLag?.(ms);
    },
  };
}
