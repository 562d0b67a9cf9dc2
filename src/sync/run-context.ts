/** A run that somebody works on: its state, its log lines, and the way to tell of it. */
import type { PatientSource, WaitNotice } from '../cliniko/source.ts';
import type { SyncPhase, SyncStep } from '../contract/sync-log.ts';
import type { Database } from '../database/open.ts';
import type { EventBus } from '../events/bus.ts';
import type { Logger } from '../logging/logger.ts';
import type { Tracer } from '../logging/tracer.ts';
import type { Sealer } from '../organizations/sealing.ts';
import { type Activity, createActivity } from './activity.ts';
import type { ClaimedRun } from './lease.ts';
import { createRunLog, type RunLog } from './log-lines.ts';
import { type Display, runningMetadata } from './metadata.ts';
import type { SyncObserver } from './observer.ts';
import { NOTHING_AHEAD } from './remaining-time.ts';
import type { RunState } from './run-state.ts';
import { type Slot, UNLIMITED_SLOT } from './slots.ts';
import { laterStep, stepOfPhase } from './steps.ts';
import { announce } from './sync-log-row.ts';

export interface EngineTools {
  database: Database;
  sealer: Sealer;
  bus: EventBus;
  logger: Logger;
  /** The clinic's patients, by its API key. */
  sourceFor(apiKey: string): PatientSource;
  perPage: number;
  /** Pages asked for side by side. */
  window: number;
  /** Runs that work side by side; a run that waits for Cliniko does not count. Default: `DEFAULT_RUNS_AT_ONCE`. */
  runsAtOnce?: number;
  /** A run that has not moved for so long is given up by its worker. Default: `STALLED_AFTER_MS`. */
  stalledAfterMs?: number;
  observer?: SyncObserver;
  tracer?: Tracer;
}

export type OpenRun = ReturnType<typeof openRun>;

export function openRun(
  claimed: ClaimedRun,
  tools: EngineTools,
  slot: Slot = UNLIMITED_SLOT,
  activity: Activity = createActivity(),
) {
  const { lease, type, attempt } = claimed;
  const log: RunLog = createRunLog(tools.logger, lease, type);
  const startedAt = performance.now();
  const before = claimed.state.elapsedMs;
  const run = {
    claimed,
    tools,
    slot,
    activity,
    log,
    state: claimed.state,
    step: claimed.step,
    /** Records read from Cliniko so far; what an earlier attempt read ahead of its checkpoint does not count. */
    loaded: claimed.state.processed,
    /** The state with the time that has passed until now. */
    now: (): RunState => ({ ...run.state, elapsedMs: before + performance.now() - startedAt }),
    durationMs: () => claimed.ageMs + performance.now() - startedAt,
    /** Asks the source how long requests that are left will have to wait; nothing before there is one. */
    requestsMs: NOTHING_AHEAD.requestsMs,
    display: (phase: SyncPhase, wait?: WaitNotice): Display => ({
      type,
      attempt,
      phase,
      step: run.reach(stepOfPhase(phase)),
      loaded: run.loaded,
      trigger: claimed.trigger,
      ...(wait && { waiting: wait }),
      outlook: {
        requestsMs: run.requestsMs,
        waitMs: wait === undefined ? 0 : Math.max(0, wait.until.getTime() - Date.now()),
      },
    }),
    /** Goes on to a step, and never back. @returns the step it is at */
    reach(step: SyncStep | undefined): SyncStep {
      if (step !== undefined) run.step = laterStep(run.step, step);
      return run.step;
    },
    tell: () => {
      activity.moved();
      tools.bus.publish({ organizations: [lease.organizationId], work: false });
    },
    async announce(phase: SyncPhase, wait?: WaitNotice): Promise<void> {
      const metadata = runningMetadata(run.now(), run.display(phase, wait));
      await announce(tools.database, lease, run.state, metadata);
      if (wait !== undefined) activity.waitsUntil(wait.until);
      run.tell();
    },
  };
  return run;
}
