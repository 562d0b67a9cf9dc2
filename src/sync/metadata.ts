/**
 * The `metadata` of a run's public row, computed from the run's state and the values to display with it.
 *
 * The guide defines the keys and formats (contract/sync-log.ts). Pure arithmetic, like the state itself.
 */

import { formatDuration, formatRemaining } from '#contract/duration.ts';
import { successRate } from '#contract/progress.ts';
import type {
  EngineMetadata,
  OperationType,
  SyncErrorType,
  SyncPhase,
  SyncStep,
  SyncTrigger,
} from '#contract/sync-log.ts';
import type { WaitNotice } from '../cliniko/source.ts';
import type { FailureReport } from './failure.ts';
import { completenessProof } from './read/completeness.ts';
import type { RemainingTime } from './remaining-time.ts';
import { ERRORS_KEPT, type RunState } from './run-state.ts';

/** The page of the newest batch, for progress displays. */
function currentPage({ position: { page, place } }: RunState): number {
  return place === 0 ? page - 1 : page;
}

export interface Display {
  type: OperationType;
  attempt: number;
  phase: SyncPhase;
  step: SyncStep;
  /** Records read from Cliniko so far. */
  loaded: number;
  trigger?: SyncTrigger | undefined;
  retryOf?: number | undefined;
  waiting?: WaitNotice | undefined;
  remainingTime: RemainingTime;
}

export function runningMetadata(state: RunState, display: Display): EngineMetadata {
  return {
    ...counters(state, display),
    ...(display.waiting && waitMetadata(display.waiting)),
    progress_percent: state.percent,
    ...remaining(display.remainingTime.shownMs(state)),
  };
}

/** @param ms null when it is unknown */
function remaining(ms: number | null) {
  return { estimated_remaining: ms === null ? null : formatRemaining(ms), estimated_remaining_ms: ms };
}

function waitMetadata(wait: WaitNotice): Partial<EngineMetadata> {
  return {
    waiting_until: wait.until.toISOString(),
    waiting_reason: waitWords(wait),
    ...(wait.try !== undefined && { try: wait.try }),
    ...(wait.maxTries !== undefined && { max_tries: wait.maxTries }),
  };
}

/** Without the number of the try, which is published separately. */
export function waitWords(notice: WaitNotice): string {
  switch (notice.reason) {
    case 'no-answer':
      return 'Waiting for an answer from Cliniko';
    case 'rate-limited':
      return "Waiting for Cliniko's rate limit";
    case 'pacing':
      return "Pacing requests below Cliniko's rate limit";
    case 'retrying':
      return `${notice.words ?? 'Cliniko did not answer properly'}; trying again`;
    default:
      return notice.reason satisfies never;
  }
}

/** A failed run has no remaining time. */
export const NOTHING_REMAINS = remaining(null);

/** Old panels show `errors` only, so the reason is its newest entry. `errors_total` counts patients only. */
export function failedMetadata(
  state: RunState,
  display: Display,
  { error_details, ...report }: FailureReport,
): EngineMetadata {
  return {
    ...runningMetadata(state, display),
    ...NOTHING_REMAINS,
    step: failedStep(report.error_type),
    error: error_details,
    errors: [...state.errors, error_details].slice(-ERRORS_KEPT),
    ...report,
  };
}

export function failedStep(errorType: SyncErrorType): SyncStep {
  return errorType === 'SYNC_CANCELLED' ? 'cancelled' : 'failed';
}

export interface CompletionFacts {
  /** Since the run was requested, including the wait for a worker. */
  durationMs: number;
  /** Stored patients that Cliniko neither returned nor confirmed to be absent. */
  unanswered: number;
}

export function completedMetadata(
  state: RunState,
  display: Display,
  { durationMs, unanswered }: CompletionFacts,
): EngineMetadata {
  return {
    ...counters({ ...state, found: state.processed }, { ...display, phase: 'completed', step: 'completed' }),
    progress_percent: 100,
    ...remaining(0),
    success_rate: successRate(state.succeeded, state.processed),
    performance_metrics: {
      total_duration: formatDuration(durationMs),
      api_fetch_time: formatDuration(state.fetchMs),
      processing_time: formatDuration(state.processingMs),
      database_time: formatDuration(state.databaseMs),
      patients_per_second: perSecond(state.processed, durationMs),
      api_requests: state.apiRequests,
      database_operations: state.databaseOperations,
    },
    proof: completenessProof(state.position.coverage, unanswered),
    duration_ms: Math.round(durationMs),
    forecasts: state.forecasts,
  };
}

/** A patient that was read twice, such as in a list of changes, does not make it more than there are. */
function loadedOf({ found, processed }: RunState, { loaded }: Display): number {
  return Math.max(found === 0 ? loaded : Math.min(loaded, found), processed);
}

function counters(state: RunState, display: Display) {
  return {
    patients_found: state.found,
    patients_stored: state.succeeded,
    sync_type: display.type,
    current_page: currentPage(state),
    total_pages: state.totalPages,
    errors: state.errors,
    errors_total: state.errorsTotal,
    warnings_total: state.warningsTotal,
    phase: display.phase,
    step: display.step,
    patients_loaded: loadedOf(state, display),
    patients_processed: state.processed,
    total_patients: state.found,
    patients_to_store: state.found,
    patients_deleted: 0,
    ...(display.trigger && { trigger: display.trigger }),
    ...(display.retryOf !== undefined && { retry_of: display.retryOf }),
    attempt: display.attempt,
    inserted: state.inserted,
    updated: state.updated,
    unchanged: state.unchanged,
    archived: state.archived,
  };
}

function perSecond(patients: number, ms: number): number {
  return ms <= 0 ? 0 : Math.round((patients / ms) * 10_000) / 10;
}
