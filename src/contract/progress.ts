/** Arithmetic and texts of progress, shared by the sync engine, the pages and the terminal. */
import { formatCount, formatPatients } from './count.ts';
import type { SyncLog } from './sync-log.ts';

/**
 * Percentage of a running sync, one decimal. It never falls, and stays below 100 until the run has completed.
 *
 * @param previous the percentage shown before
 * @param found the total that Cliniko reports; 0 while it is unknown
 */
export function runningPercent(previous: number, processed: number, found: number): number {
  if (found <= 0) return previous;
  const exact = Math.min(99.9, (processed / found) * 100);
  return Math.max(previous, Math.round(exact * 10) / 10);
}

/** Percentage of patients stored, one decimal. 100 for a run without patients. */
export function successRate(succeeded: number, processed: number): number {
  if (processed === 0) return 100;
  // Rounded down, so that 99.96 % is never reported as full success.
  return succeeded === processed ? 100 : Math.min(99.9, Math.round((succeeded / processed) * 1000) / 10);
}

/** "In the queue, 3 before you": the position of a run that waits for a worker. One above ten is an upper bound. */
export function queueText({ metadata: { queue_position: position } }: SyncLog): string {
  if (position === undefined || position < 1) return 'In the queue';
  if (position === 1) return 'Next in the queue';
  return `In the queue, ${position > 10 ? 'at most ' : ''}${formatCount(position - 1)} before you`;
}

/** What the closing part of a run does: its pages are stored, and what they may have missed is read. */
export const CLOSING_TEXT = 'Checking that no patient is missing';

/** The current activity, in one line. The first four texts are those of the guide's `getCurrentStepText`. */
export function stepText(log: SyncLog | null): string {
  if (log === null) return 'Initializing...';
  const { metadata, status } = log;
  if (status === 'completed')
    return `✅ Sync completed! ${formatCount(log.records_success)} patients updated`;
  if (status === 'failed') return `❌ ${log.error_details ?? 'Sync failed'}`;
  if (metadata.phase === 'queued') return `⏳ ${queueText(log)}`;
  if (metadata.phase === 'waiting') return `⏸️ ${metadata.waiting_reason ?? 'Waiting for Cliniko'}`;
  if (metadata.phase === 'finishing') return `🏁 ${CLOSING_TEXT}`;
  if (metadata.current_page && metadata.total_pages) {
    return `📡 Fetching from Cliniko (page ${formatCount(metadata.current_page)}/${formatCount(metadata.total_pages)})`;
  }
  if (metadata.patients_stored && metadata.patients_found) {
    return `💾 Storing patients (${formatCount(metadata.patients_stored)}/${formatCount(metadata.patients_found)})`;
  }
  return '🔄 Syncing in progress...';
}

/** Cancelled on request. The run has failed only in the sense that it did not complete. */
export function isCancelled({ status, metadata }: SyncLog): boolean {
  return status === 'failed' && metadata.error_type === 'SYNC_CANCELLED';
}

/** The `error_details` of a run of an organization without a key. */
export const NO_KEY_STORED = 'Cliniko API authentication failed: No API key stored';

/** Failed because the organization has no key: a key has to be added, not replaced. */
export function isWithoutKey({ status, error_details }: SyncLog): boolean {
  return status === 'failed' && error_details === NO_KEY_STORED;
}

/** Before the reason of a failure that has no message of its own. */
export const SYNC_FAILED = 'Sync failed: ';

/** The guide's message for each way a sync can fail; null when there is no message. */
export function problemText(log: SyncLog): string | null {
  if (log.status === 'failed') {
    switch (log.metadata.error_type) {
      case 'CLINIKO_AUTH_FAILED':
        return isWithoutKey(log)
          ? 'This organization has no Cliniko API key. Add it in the settings.'
          : 'Invalid Cliniko credentials. Please update your API settings.';
      case 'DATABASE_CONSTRAINT_ERROR':
        return 'Database migration required. Contact support.';
      case 'SYNC_CANCELLED':
        return log.error_details ?? 'The sync was cancelled.';
      default:
        return `${SYNC_FAILED}${log.error_details ?? 'no reason was given'}`;
    }
  }
  if (log.status === 'completed' && log.records_failed > 0) {
    const rate = successRate(log.records_success, log.records_processed).toFixed(1);
    return `Sync completed with ${rate}% success rate. ${formatCount(log.records_failed)} patients had errors.`;
  }
  return null;
}

/** The result of a sync, in one sentence for screen readers. */
export function endText(log: SyncLog): string {
  const { records_success: stored } = log;
  return problemText(log) ?? `Sync completed. ${formatPatients(stored)} updated.`;
}
