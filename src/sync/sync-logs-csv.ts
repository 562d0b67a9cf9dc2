/** A page of sync logs as CSV: what a person compares in a spreadsheet, without progress and lists of errors. */
import { SyncLog } from '#contract/sync-log.ts';
import { csvOf } from '../http/csv.ts';

const COLUMNS = [
  'id',
  'organization_id',
  'operation_type',
  'status',
  'started_at',
  'completed_at',
  'records_processed',
  'records_success',
  'records_failed',
  'error_type',
  'error_details',
  'trigger',
  'schedule',
  'retry_of',
  'retry_at',
] as const;

/** @param logs rendered, as JSON text */
export function syncLogsCsv(logs: readonly string[]): { text: string; lastId: number | undefined } {
  const rows = logs.map((log) => rowOf(SyncLog.parse(JSON.parse(log))));
  return { text: csvOf(COLUMNS, rows), lastId: rows.at(-1)?.id };
}

function rowOf({ metadata, ...log }: SyncLog) {
  const { error_type = null, retry_of = null, retry_at = null, trigger } = metadata;
  const schedule = typeof trigger?.schedule === 'string' ? trigger.schedule : null;
  return { ...log, error_type, retry_of, retry_at, trigger: trigger?.kind ?? null, schedule };
}
