/**
 * What the engine tells of its work while it works, for whoever counts it (metrics/). Counts and words, never an id.
 *
 * Not here: what people follow a run by (log-lines.ts, record.ts).
 */
import type { OperationType } from '#contract/sync-log.ts';

/** `resumed`: its last worker had handed it back. `taken-over`: its last worker let the lease expire. */
export type ClaimKind = 'fresh' | 'resumed' | 'taken-over';

export interface SyncObserver {
  claimed(kind: ClaimKind): void;
  /** A batch has committed. */
  stored(patients: StoredCounts, seconds: number): void;
  /** `handed-back`: this worker let go of it, and another one goes on. */
  ended(type: OperationType, outcome: 'completed' | 'failed' | 'handed-back', errorType: string): void;
}

export interface StoredCounts {
  inserted: number;
  updated: number;
  unchanged: number;
  failed: number;
}
