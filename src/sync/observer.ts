/**
 * Callbacks of the engine for metrics (metrics/). They carry counts and labels, never an id.
 *
 * Not here: what people read about a run (log-lines.ts, sync-log-row.ts).
 */
import type { OperationType } from '#contract/sync-log.ts';

/** `resumed`: its last worker released the run. `taken-over`: the lease of its last worker expired. */
export type ClaimKind = 'fresh' | 'resumed' | 'taken-over';

export interface SyncObserver {
  claimed(kind: ClaimKind): void;
  /** A batch has committed. */
  stored(patients: StoredCounts, seconds: number): void;
  /** `released`: this worker released the run, and another one continues. */
  ended(type: OperationType, outcome: 'completed' | 'failed' | 'released', errorType: string): void;
}

export interface StoredCounts {
  inserted: number;
  updated: number;
  unchanged: number;
  failed: number;
}
