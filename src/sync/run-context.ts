/**
 * A run that a worker executes: its state, its log, and the functions that publish its progress.
 *
 * The state is that of the newest commit. Only the writer (write/pipeline.ts) and the steps of run.ts change it.
 */

import type { SyncPhase, SyncStep } from '#contract/sync-log.ts';
import type { PatientSource, WaitNotice } from '../cliniko/source.ts';
import type { Database } from '../database/open.ts';
import type { Sealer } from '../encryption/sealer.ts';
import type { EventBus } from '../events/event-bus.ts';
import type { Logger } from '../logging/logger.ts';
import type { Tracer } from '../logging/tracer.ts';
import { type Activity, createActivity } from './activity.ts';
import type { ClaimedRun } from './lease.ts';
import { createRunLog, type RunLog } from './log-lines.ts';
import { type Display, runningMetadata } from './metadata.ts';
import type { SyncObserver } from './observer.ts';
import { NO_ESTIMATE } from './remaining-time.ts';
import type { RunState } from './run-state.ts';
import { type Slot, UNLIMITED_SLOT } from './slots.ts';
import { laterStep, stepOfPhase } from './steps.ts';
import { publishProgress } from './sync-log-row.ts';
import { type CommitQueue, createCommitQueue } from './write/commit-queue.ts';

export interface EngineDeps {
  database: Database;
  sealer: Sealer;
  bus: EventBus;
  logger: Logger;
  /** Opens the patient source of the clinic with this API key. */
  sourceFor(apiKey: string): PatientSource;
  perPage: number;
  /** Pages requested concurrently. */
  window: number;
  /** Runs that work concurrently. A run that waits for Cliniko does not count. Default: `DEFAULT_RUNS_AT_ONCE`. */
  runsAtOnce?: number;
  /** The worker aborts a run that made no progress for this long. Default: `STALLED_AFTER_MS`. */
  stalledAfterMs?: number;
  observer?: SyncObserver;
  tracer?: Tracer;
}

/** What this attempt has requested from Cliniko. It is ahead of what is stored. */
interface Traffic {
  requests: number;
  records: number;
}

export type RunContext = ReturnType<typeof createRunContext>;

export function createRunContext(
  claimed: ClaimedRun,
  deps: EngineDeps,
  slot: Slot = UNLIMITED_SLOT,
  activity: Activity = createActivity(),
) {
  const { lease, type, attempt } = claimed;
  const log: RunLog = createRunLog(deps.logger, lease, type);
  const commits: CommitQueue = createCommitQueue();
  const traffic: Traffic = { requests: 0, records: 0 };
  const startedAt = performance.now();
  const { elapsedMs, apiRequests, processed } = claimed.state;
  const run = {
    claimed,
    deps,
    slot,
    activity,
    log,
    commits,
    traffic,
    state: claimed.state,
    step: claimed.step,
    /** The state, with the elapsed time and the requests sent until now. */
    now: (): RunState => ({
      ...run.state,
      elapsedMs: elapsedMs + performance.now() - startedAt,
      apiRequests: apiRequests + traffic.requests,
    }),
    durationMs: () => claimed.ageMs + performance.now() - startedAt,
    /** How long the remaining requests have to wait, according to the source. Returns 0 until the source is open. */
    requestsMs: NO_ESTIMATE.requestsMs,
    display: (phase: SyncPhase, wait?: WaitNotice): Display => ({
      type,
      attempt,
      phase,
      step: run.reach(stepOfPhase(phase)),
      // Records that an earlier attempt read ahead of its checkpoint do not count.
      loaded: processed + traffic.records,
      trigger: claimed.trigger,
      retryOf: claimed.retryOf,
      ...(wait && { waiting: wait }),
      waitEstimate: {
        requestsMs: run.requestsMs,
        waitMs: wait === undefined ? 0 : Math.max(0, wait.until.getTime() - Date.now()),
      },
    }),
    /** Advances to a step, never backwards. @returns the current step */
    reach(step: SyncStep | undefined): SyncStep {
      if (step !== undefined) run.step = laterStep(run.step, step);
      return run.step;
    },
    /** Sends a nudge for this organization after a commit. */
    notify: () => {
      activity.moved();
      deps.bus.publish({ organizations: [lease.organizationId], work: false });
    },
    /** Stores a new phase or a wait, which no batch records, and sends a nudge. */
    async publish(phase: SyncPhase, wait?: WaitNotice): Promise<void> {
      const metadata = runningMetadata(run.now(), run.display(phase, wait));
      await publishProgress(deps.database, lease, run.state, metadata);
      if (wait !== undefined) activity.waitsUntil(wait.until);
      run.notify();
    },
  };
  return run;
}
