/**
 * The event bus: the port. It signals to every process that there is something new to read.
 *
 * A message on the bus is a nudge: a hint to read the database. It carries no data, and it may be lost, repeated, late or
 * early. So a subscriber reads the rows after each nudge, and also polls at intervals.
 *
 * Three adapters: memory-bus.ts within one process, postgres-bus.ts and nats-bus.ts between servers.
 */
import type { Readiness } from '#contract/health.ts';

export interface Nudge {
  /** Organizations whose event log has grown. */
  organizations: readonly number[];
  /** Whether a queued run waits for a worker. */
  work: boolean;
  /** Runs with a cancel request. */
  cancelled?: readonly number[];
}

export interface EventBus {
  /**
   * Call it after the transaction has committed; before that, subscribers would read too early. It returns immediately:
   * nudges are batched. It never throws.
   */
  publish(nudge: Nudge): void;
  /**
   * Work and cancellations reach every subscriber; organizations do while they are followed, and an adapter may deliver more.
   * `onNudge` must return quickly and not throw. @returns a function that ends the subscription
   */
  subscribe(onNudge: (nudge: Nudge) => void): () => void;
  /**
   * Requests the nudges of one organization, until `unfollow` was called as often as `follow`. Nudges before it may be lost:
   * `onNudge` is called once it works.
   */
  follow(organizationId: number): void;
  unfollow(organizationId: number): void;
  /** Requests the nudges of all organizations. @returns a function that ends the request */
  followAll(): () => void;
  /** `read` is called when nudges may have been lost; every subscriber then reads again. */
  onMissed(read: () => void): () => void;
  /** Whether nudges from other processes arrive now. */
  readonly healthy: boolean;
  /** Whether NATS carries nudges now. */
  readonly nats: Readiness['checks']['nats'];
  close(): Promise<void>;
}
