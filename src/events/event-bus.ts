/**
 * The bus: tells every process that there is something new to read.
 *
 * A nudge, never the record. It may be lost, repeated, late or early, so a listener reads what is new and also
 * looks by itself now and then. Two adapters: memory-bus.ts within one process, postgres-bus.ts between servers.
 */

export interface Nudge {
  /** Organizations whose event log has grown. */
  organizations: readonly number[];
  /** A run waits for a worker. */
  work: boolean;
  /** Runs that somebody wants to end. */
  cancelled?: readonly number[];
}

export interface EventBus {
  /**
   * Call it after the transaction has committed; before, listeners would read too early. Returns at once:
   * nudges are gathered and sent together. Never throws.
   */
  publish(nudge: Nudge): void;
  /** `onNudge` must return quickly and not throw. @returns ends the subscription */
  subscribe(onNudge: (nudge: Nudge) => void): () => void;
  /** Called whenever nudges may have been lost: everyone should read again. */
  onMissed(read: () => void): () => void;
  /** Whether nudges of other processes arrive at the moment. */
  readonly healthy: boolean;
  close(): Promise<void>;
}
