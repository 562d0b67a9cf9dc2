/** The log lines of a run, as the monitoring guide documents them. They contain ids and counts only. */

import type { OperationType } from '#contract/sync-log.ts';
import type { WaitNotice } from '../cliniko/source.ts';
import type { Logger } from '../logging/logger.ts';
import type { Lease } from './lease.ts';
import { waitWords } from './metadata.ts';
import type { RunState } from './run-state.ts';

const KIND: Record<OperationType, string> = {
  full_patients: 'full',
  active_patients: 'active',
  changed_patients: 'changed',
};

export interface RunLog {
  started(attempt: number): void;
  found(state: RunState): void;
  page(state: RunState): void;
  progress(state: RunState): void;
  waiting(wait: WaitNotice): void;
  completed(state: RunState, successRate: number): void;
  unproven(reason: string): void;
  failed(errorType: string, details: string): void;
  released(why: string): void;
}

export function createRunLog(logger: Logger, lease: Lease, type: OperationType): RunLog {
  const { organizationId } = lease;
  const log = logger.child({ organization_id: organizationId, sync_log_id: lease.syncLogId });
  return {
    started: (attempt) =>
      attempt === 1
        ? log.info(`Starting ${KIND[type]} patient sync for organization ${organizationId}`)
        : log.info(
            `Resuming ${KIND[type]} patient sync for organization ${organizationId} (attempt ${attempt})`,
          ),
    found: (state) => log.info(`Found ${state.found} patients in Cliniko API`),
    page: (state) =>
      log.info(
        `Processing page ${state.position.page}/${state.totalPages} (${state.processed} patients processed)`,
      ),
    progress: (state) =>
      log.info(
        `Progress: ${state.percent.toFixed(1)}% - ${state.succeeded}/${Math.max(state.found, state.processed)} patients stored`,
      ),
    waiting: (wait) => {
      const tries = wait.try === undefined ? '' : ` (try ${wait.try} of ${wait.maxTries})`;
      log.info(`${waitWords(wait)}${tries}, until ${wait.until.toISOString()}`);
    },
    completed: (state, rate) =>
      log.info(`Sync completed: ${state.succeeded}/${state.processed} patients (${rate}% success)`),
    unproven: (reason) =>
      log.warn(`The sync could not prove that it saw every patient, so it marked none as missing: ${reason}`),
    failed: (errorType, details) => log.error({ error_type: errorType }, `Sync failed: ${details}`),
    released: (why) => log.warn(`Sync of organization ${organizationId} released: ${why}`),
  };
}
