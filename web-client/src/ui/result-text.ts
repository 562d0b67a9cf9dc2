/** What a run shows of its result, in sentences whose figures are counted, not derived. Pure. */
import { formatCount, formatPatients } from '#contract/count.ts';
import { endText, stepText } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';

/** "1,944 patients checked: 12 new, 40 changed, 90 not stored, 3 missing": what a completed run did. */
export function resultText(log: SyncLog): string {
  const { inserted, updated, missing_marked, missing_held } = log.metadata;
  const checked = Math.max(log.records_processed, log.records_success);
  if (checked === 0) {
    return log.operation_type === 'changed_patients' ? 'No patient had changed' : 'Cliniko has no patients';
  }
  const parts = [
    [inserted, 'new'],
    [updated, 'changed'],
    [log.records_failed, 'not stored'],
    [missing_marked, 'missing'],
    [missing_held, 'held'],
  ].flatMap(([count, words]) =>
    typeof count === 'number' && count > 0 ? `${formatCount(count)} ${words}` : [],
  );
  if (parts.length > 0) return `${formatPatients(checked)} checked: ${parts.join(', ')}`;
  // A run of another program does not say what changed.
  return `${formatPatients(checked)} checked${typeof updated === 'number' ? ': nothing changed' : ''}`;
}

/** The current activity, or the result of a completed run. Begins with an emoji of the guide. */
export function activityText(log: SyncLog | null): string {
  if (log?.status !== 'completed') return stepText(log);
  return `${log.records_failed > 0 ? '⚠️' : '✅'} ${resultText(log)}`;
}

/** The end of a run, for screen readers. */
export function announcedEnd(log: SyncLog): string {
  return log.status === 'completed' ? `Sync completed. ${resultText(log)}.` : endText(log);
}
