/**
 * A run that a worker executes: its state, its log, and the functions that publish its progress.
 *
 * The state is that of the newest commit. Only the writer (write/pipeline.ts) and the steps of run.ts change it.
 */

import type { SyncPhase } from '#contract/sync-log.ts';
import type { PatientSource, WaitNotice } from '../cliniko/source.ts';
import type { Database } from '../database/open.ts';
import type { Sealer } from '../encryption/sealer.ts';
import type { EventBus } from '../events/event-bus.ts';
import type { Logger } from '../logging/logger.ts';
import type { Tracer } from '../logging/tracer.ts';
import type { Activity } from './activity.ts';
import type { ClaimedRun } from './lease.ts';
import { createRunLog, type RunLog } from './log-lines.ts';
import { runningMetadata } from './metadata.ts';
import type { SyncObserver } from './observer.ts';
import { createRunDisplay } from './run-display.ts';
import type { RunState } from './run-state.ts';
import type { Slot } from './slots.ts';
import { publishProgress } from './sync-log-row.ts';
import { createTraffic } from './traffic.ts';
import { type CommitQueue, createCommitQueue } from './write/commit-queue.ts';

export interface EngineDeps {
  database: Database;
  sealer: Sealer;
  bus: EventBus;
  logger: Logger;
  /** Opens the patient source of the clinic with this API key. */
  sourceFor(apiKey: string): PatientSource;
  perPage: number;
  /** Maximum number of requests of a run in flight. */
  window: number;
  /** Runs that work concurrently. A run that waits for Cliniko does not count. */
  runsAtOnce: number;
  /** The worker aborts a run that made no progress for this long. Default: `STALLED_AFTER_MS`. */
  stalledAfterMs?: number;
  observer?: SyncObserver;
  tracer?: Tracer;
}

export type RunContext = ReturnType<typeof createRunContext>;

export function createRunContext(claimed: ClaimedRun, deps: EngineDeps, slot: Slot, activity: Activity) {
  const { lease, type } = claimed;
  const log: RunLog = createRunLog(deps.logger, lease, type);
  const commits: CommitQueue = createCommitQueue();
  const startedAt = performance.now();
  const { elapsedMs, apiRequests, processed } = claimed.state;
  const traffic = createTraffic(type, processed, deps.window);
  const run = Object.assign(createRunDisplay(claimed, traffic), {
    claimed,
    deps,
    slot,
    activity,
    log,
    commits,
    traffic,
    state: claimed.state,
    /** The state, with the elapsed time and the requests sent until now. */
    now: (): RunState => ({
      ...run.state,
      elapsedMs: elapsedMs + performance.now() - startedAt,
      apiRequests: apiRequests + traffic.requests,
    }),
    durationMs: () => claimed.ageMs + performance.now() - startedAt,
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
  });
  return run;
}
