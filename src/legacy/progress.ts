/** A run as the old progress API showed it: whole percentages, eight numbered steps, a text for people. */
import { stepText } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';

export type ProgressStatus = 'starting' | 'running' | 'completed' | 'failed' | 'cancelled';

export function progressStatus({ status, metadata }: SyncLog): ProgressStatus {
  if (status === 'completed') return 'completed';
  if (status === 'failed') return metadata.error_type === 'SYNC_CANCELLED' ? 'cancelled' : 'failed';
  return metadata.phase === 'queued' ? 'starting' : 'running';
}

/**
 * 0 to 100. Rounded down: 99.9 % of a running sync never reads as 100. Another program can store any number, or none with a run that has
 * completed.
 */
export function wholePercentage({ status, metadata }: SyncLog): number {
  if (status === 'completed') return 100;
  return Math.floor(Math.min(100, Math.max(0, metadata.progress_percent)));
}

const STEP_NUMBERS: Record<string, number> = {
  initializing: 1,
  checking_config: 2,
  validating_credentials: 3,
  fetching_patients: 4,
  storing_patients: 5,
  checking_deletions: 6,
};

const TOTAL_STEPS = 8;

/** A failed run stopped at its last known step; without one, at storing when records were processed. */
function stepNumber(log: SyncLog, stepBeforeEnd: string | undefined): number {
  if (log.status === 'completed') return TOTAL_STEPS;
  return numberOf(log.metadata.step) ?? numberOf(stepBeforeEnd) ?? (log.records_processed > 0 ? 5 : 1);
}

/** Another program can write any step, even `constructor`. */
function numberOf(step: string | undefined): number | undefined {
  return step !== undefined && Object.hasOwn(STEP_NUMBERS, step) ? STEP_NUMBERS[step] : undefined;
}

/** @param stepBeforeEnd of a failed run: its row mostly names only the end */
export function toProgress(log: SyncLog, syncId: string, stepBeforeEnd?: string) {
  const { metadata } = log;
  const found = metadata.patients_found ?? 0;
  return {
    organization_id: log.organization_id,
    sync_id: syncId,
    status: progressStatus(log),
    progress_percentage: wholePercentage(log),
    current_step: stepText(log),
    total_steps: TOTAL_STEPS,
    current_step_number: stepNumber(log, stepBeforeEnd),
    patients_found: found,
    appointments_found: 0,
    active_patients_identified: found,
    active_patients_stored: log.records_success,
    records_processed: log.records_processed,
    records_total: found,
    started_at: log.started_at,
    completed_at: log.completed_at,
    estimated_completion: estimatedCompletion(log),
    errors: errorsOf(log),
    last_updated: log.updated_at,
  };
}

/** Panels show only this list, so the reason of a failed run is in it, also when another program stored it beside its list. */
function errorsOf({ status, error_details: reason, metadata: { errors = [] } }: SyncLog): string[] {
  return status === 'failed' && reason !== null && !errors.includes(reason) ? [...errors, reason] : errors;
}

/** The remaining time was estimated when the row changed; nothing is published during a wait. */
function estimatedCompletion({ status, metadata, updated_at: estimatedAt }: SyncLog): string | null {
  const remainingMs = metadata.estimated_remaining_ms;
  if (status !== 'running' || typeof remainingMs !== 'number') return null;
  const at = new Date(Date.parse(estimatedAt) + remainingMs);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}
