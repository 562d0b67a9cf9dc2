/**
 * The worker: claims runs that no worker has and executes them, several concurrently.
 *
 * A nudge announces a new run within milliseconds. A poll every 1 to 2 s finds runs whose nudge was lost and runs whose
 * lease has expired. There is no queue beside the table.
 */
import { randomBytes } from 'node:crypto';
import { createFailureLog } from '../logging/failure-log.ts';
import { safeError } from '../logging/safe-error.ts';
import { NO_TRACER } from '../logging/tracer.ts';
import { every, type Repetition, repeat } from '../timing/every.ts';
import { PassedOver } from '../timing/passed-over.ts';
import { type Activity, createActivity } from './activity.ts';
import { findLostKeys, type LostKey } from './api-key-check.ts';
import { findCancelled } from './cancel-run.ts';
import { CancelledError } from './failure.ts';
import {
  type ClaimedRun,
  claimNextRun,
  type Lease,
  LeaseLostError,
  RENEW_EVERY_MS,
  releaseLease,
  renewLeases,
} from './lease.ts';
import { updateQueuePositions } from './queue-positions.ts';
import { runSync } from './run.ts';
import type { EngineDeps } from './run-context.ts';
import { createSlots, type Slot, type Slots } from './slots.ts';

/** Open runs of one server, including those that wait for Cliniko: each uses some memory and a connection. */
const OPEN_RUNS_AT_MOST = 1_024;

/** A released run is claimed again at once. When claims bring no progress, the delay before the next one grows. */
const CLAIM_BACKOFF = { firstMs: 1_000, mostMs: 30_000, afterClaims: 2 };

/** How often this server writes the positions of the runs in the queue, at most. */
const POSITIONS_EVERY_MS = 1_000;

interface ActiveRun {
  lease: Lease;
  activity: Activity;
  slot: Slot;
  abort: AbortController;
  ended: Promise<void>;
}

/** Starts to claim runs when it is constructed. */
export class Worker {
  readonly #deps: EngineDeps;
  readonly #slots: Slots;
  readonly #owner = randomBytes(8).toString('hex');
  readonly #active = new Set<ActiveRun>();
  /** Runs that this worker does not claim again for a while. */
  readonly #backedOff = new PassedOver();
  readonly #endings: (() => void)[] = [];
  readonly #claims: Repetition;
  readonly #onNotClaimed: (error: unknown) => void;
  #stopping = false;
  /** By `performance.now()`. */
  #positionsDueAt = 0;

  constructor(deps: EngineDeps) {
    this.#deps = deps;
    const { bus } = deps;
    this.#onNotClaimed = createFailureLog(deps.logger, 'Claiming a run failed; the next poll tries again');
    this.#slots = createSlots(deps.runsAtOnce, () => this.#claims.soon(0));
    this.#endings.push(
      bus.subscribe((nudge) => {
        if (nudge.work) this.#claims.soon(0);
        void this.#endCancelled(nudge.cancelled ?? []);
      }),
      bus.onMissed(() => this.#claims.soon(0)),
      every(
        () => RENEW_EVERY_MS,
        () => this.#renew().catch(() => {}),
      ),
    );
    this.#claims = repeat(
      () => 1_000 + Math.random() * 1_000,
      () => this.#claim(),
      0,
    );
  }

  /** Releases its runs, so that other workers can claim them at once. */
  async stop(): Promise<void> {
    const { bus, database } = this.#deps;
    this.#stopping = true;
    for (const end of this.#endings) end();
    await this.#claims.stop();
    const runs = [...this.#active];
    for (const run of runs) run.abort.abort(new Error('This server is stopping.'));
    await Promise.all(runs.map((run) => run.ended));
    await Promise.all(runs.map((run) => releaseLease(database, run.lease).catch(() => {})));
    if (runs.length > 0) bus.publish({ organizations: [], work: true });
  }

  async #claim(): Promise<void> {
    try {
      while (!this.#stopping && this.#slots.free > 0 && this.#active.size < OPEN_RUNS_AT_MOST) {
        const claimed = await claimNextRun(this.#deps.database, this.#owner, this.#notToClaim());
        if (claimed === undefined) break;
        this.#take(claimed);
      }
      // Without a free slot the queue was not read to its end.
      this.#slots.setWantedByNew(this.#slots.free === 0);
      if (this.#slots.free === 0) await this.#publishPositions();
    } catch (error) {
      this.#slots.setWantedByNew(false);
      this.#onNotClaimed(error);
    }
  }

  /** What is left in the queue has moved up. */
  async #publishPositions(): Promise<void> {
    if (this.#stopping || performance.now() < this.#positionsDueAt) return;
    this.#positionsDueAt = performance.now() + POSITIONS_EVERY_MS;
    const organizations = await updateQueuePositions(this.#deps.database);
    if (organizations.length > 0) this.#deps.bus.publish({ organizations, work: false });
  }

  #take(claimed: ClaimedRun): void {
    const { tracer = NO_TRACER, observer, logger, stalledAfterMs } = this.#deps;
    const abort = new AbortController();
    const slot = this.#slots.take();
    const activity = createActivity(stalledAfterMs);
    const run: ActiveRun = { lease: claimed.lease, activity, slot, abort, ended: Promise.resolve() };
    const { syncLogId, organizationId } = claimed.lease;
    const facts = { sync_log_id: syncLogId, organization_id: organizationId, attempt: claimed.attempt };
    observer?.claimed(claimed.kind);
    run.ended = tracer
      .span(`run ${claimed.type}`, facts, () => runSync(claimed, this.#deps, abort.signal, slot, activity))
      .then((ending) => {
        if (ending === 'released') this.#backedOff.add(syncLogId, backoffMs(claimed));
      })
      .catch((error: unknown) =>
        logger.error(
          safeError(error),
          'A run ended with an unexpected error; its lease expires, and a worker claims it again',
        ),
      )
      .finally(() => {
        this.#active.delete(run);
        slot.release();
      });
    this.#active.add(run);
  }

  #notToClaim(): number[] {
    return [...this.#backedOff.ids(), ...[...this.#active].map((run) => run.lease.syncLogId)];
  }

  async #renew(): Promise<void> {
    this.#giveUpStalled();
    const leases = [...this.#active].map((run) => run.lease);
    const lost = await renewLeases(this.#deps.database, this.#owner, leases);
    for (const run of this.#active) {
      if (lost.includes(run.lease))
        run.abort.abort(new LeaseLostError('Another server has claimed this run.'));
    }
    const ids = leases.map((lease) => lease.syncLogId);
    for (const { syncLogId, reason } of await findLostKeys(this.#deps.database, ids)) {
      this.#end([syncLogId], reason);
    }
  }

  /** The lease expires, or this worker claims the run again. The epoch fences late writes of the old attempt. */
  #giveUpStalled(): void {
    for (const run of this.#active) {
      if (!run.activity.isStalled) continue;
      this.#deps.logger.warn(
        { sync_log_id: run.lease.syncLogId },
        'A run made no progress. This worker aborts it; a worker claims it again and continues from its checkpoint',
      );
      this.#active.delete(run);
      run.abort.abort(new LeaseLostError('This run made no progress.'));
      run.slot.release();
    }
  }

  /**
   * A nudge proves nothing: any session of the database may notify. Should the database not answer, the server that got the request
   * ends the run.
   */
  async #endCancelled(ids: readonly number[]): Promise<void> {
    const ours = [...this.#active].map((run) => run.lease.syncLogId).filter((id) => ids.includes(id));
    if (ours.length === 0) return;
    const cancelled = await findCancelled(this.#deps.database, ours).catch(() => []);
    this.#end(cancelled, new CancelledError('The cancellation of this run was requested.'));
  }

  #end(ids: readonly number[], reason: CancelledError | LostKey['reason']): void {
    for (const run of this.#active) if (ids.includes(run.lease.syncLogId)) run.abort.abort(reason);
  }
}

function backoffMs({ claimsWithoutProgress }: ClaimedRun): number {
  const longer = claimsWithoutProgress - CLAIM_BACKOFF.afterClaims;
  return longer <= 0 ? 0 : Math.min(CLAIM_BACKOFF.mostMs, CLAIM_BACKOFF.firstMs * 2 ** (longer - 1));
}
