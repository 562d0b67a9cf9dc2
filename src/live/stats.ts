/** Counters of the live layer, for metrics. Plain numbers; reading them costs nothing. */

export interface LiveCounters {
  sseConnections: number;
  socketConnections: number;
  /** Snapshots that replaced events for a slow or conflated client. */
  folded: number;
  /** Connections aborted because their socket stayed full. */
  closedSlow: number;
  /** Called with the milliseconds from each commit to its notification. Includes clock skew with the database. */
  onLag: ((ms: number) => void) | undefined;
}

export function createLiveCounters(): LiveCounters {
  return { sseConnections: 0, socketConnections: 0, folded: 0, closedSlow: 0, onLag: undefined };
}
