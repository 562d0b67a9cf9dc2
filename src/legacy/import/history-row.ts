/**
 * What one row of the old `sync_logs` becomes in ours, or why it is left out. Pure; nothing of the old row is copied as text
 * except its ids.
 *
 * Not here: which organizations are copied (import-history.ts), what an error text says (old-failure.ts).
 */
import { parseJson } from '#contract/parse-json.ts';
import { runningPercent, successRate } from '#contract/progress.ts';
import type { OperationType, SyncLog } from '#contract/sync-log.ts';
import { ERRORS_KEPT } from '../../sync/run-state.ts';
import type { LegacyRow } from './legacy-source.ts';
import {
  CANCELLED,
  isEmpty,
  NEVER_ENDED,
  type OldFailure,
  readFailure,
  readPatientLines,
  TIMED_OUT,
} from './old-failure.ts';

export interface HistoryRow {
  /** Where the row comes from. With both, a second import recognizes it. */
  source: { organization: string; id: string };
  operationType: OperationType;
  status: Exclude<SyncLog['status'], 'running'>;
  /** UTC, as PostgreSQL writes it. */
  startedAt: string;
  completedAt: string;
  /** Null after a run that met no patient: the queries of the monitoring guide divide by it. */
  processed: number | null;
  success: number | null;
  failed: number | null;
  errorDetails: string | null;
  metadata: Record<string, unknown>;
  /** Whether the old row had an error text, of which only a sentence of ours is left. */
  isReduced: boolean;
}

export type Conversion = { row: HistoryRow } | { leftOut: string };

/** The operation types in use in the old system. */
const OPERATIONS: ReadonlyMap<string, OperationType> = new Map([
  ['full_patients', 'full_patients'],
  ['patient_sync', 'full_patients'],
  ['sync_patients', 'full_patients'],
  ['comprehensive_sync', 'full_patients'],
  ['active_patients', 'active_patients'],
  ['incremental_sync', 'changed_patients'],
  ['changed_patients', 'changed_patients'],
]);

type Ending = 'completed' | 'failed' | 'timeout' | 'cancelled' | 'running' | 'skipped';

const ENDINGS: ReadonlyMap<string, Ending> = new Map([
  ['completed', 'completed'],
  ['success', 'completed'],
  ['warning', 'completed'],
  ['failed', 'failed'],
  ['error', 'failed'],
  ['timeout', 'timeout'],
  ['cancelled', 'cancelled'],
  ['running', 'running'],
  ['skipped', 'skipped'],
]);

export function toHistoryRow(old: LegacyRow, operations: ReadonlyMap<string, OperationType>): Conversion {
  if (old.source !== null && word(old.source) !== 'cliniko')
    return { leftOut: 'source system other than cliniko' };
  const ending = ENDINGS.get(word(old.status));
  if (ending === undefined) return { leftOut: `status ${shown(old.status)}, whose meaning is not known` };
  if (ending === 'skipped') return { leftOut: 'status skipped: nothing ran' };
  if (ending === 'running' && old.is_recent) {
    return { leftOut: 'running, changed within the last day: import it when it has ended' };
  }
  const type = operations.get(word(old.operation)) ?? OPERATIONS.get(word(old.operation));
  if (type === undefined) {
    return { leftOut: `operation ${shown(old.operation)} (--operation NAME=full_patients copies it)` };
  }
  if (old.started_at === null) return { leftOut: 'start time missing or out of range' };
  return { row: convert(old, old.started_at, type, ending) };
}

function convert(
  old: LegacyRow,
  startedAt: string,
  operationType: OperationType,
  ending: Exclude<Ending, 'skipped'>,
): HistoryRow {
  const counters = readCounters(old);
  const failure = ending === 'completed' ? undefined : failureOf(ending, old.error_details);
  const end = old.completed_at ?? old.updated_at ?? startedAt;
  const patients = readPatientLines(old.error_details, errorsIn(old.metadata));
  const isEmptyRun = failure === undefined && counters.processed === 0;
  return {
    source: { organization: old.organization, id: old.id },
    operationType,
    status: failure === undefined ? 'completed' : 'failed',
    startedAt,
    completedAt: end < startedAt ? startedAt : end,
    processed: isEmptyRun ? null : counters.processed,
    success: isEmptyRun ? null : counters.success,
    failed: isEmptyRun ? null : counters.failed,
    errorDetails: failure?.details ?? null,
    metadata: {
      ...progressKeys(counters, foundIn(old.metadata), operationType, failure),
      errors: [...patients.lines, ...(failure === undefined ? [] : [failure.details])].slice(-ERRORS_KEPT),
      errors_total: Math.max(patients.total, counters.failed),
      imported: { organization_id: old.organization, id: old.id },
    },
    isReduced: !isEmpty(old.error_details) || patients.total > 0,
  };
}

interface Counters {
  processed: number;
  success: number;
  failed: number;
}

/** The old system did not keep its counters in step: what was stored or failed was also processed. */
function readCounters(old: LegacyRow): Counters {
  const [success, failed] = [readCount(old.success), readCount(old.failed)];
  return { processed: Math.max(readCount(old.processed), success + failed), success, failed };
}

const MAX_COUNT = 1_000_000_000;

function readCount(text: string | null): number {
  const count = Number(text);
  return Number.isFinite(count) ? Math.min(Math.max(Math.trunc(count), 0), MAX_COUNT) : 0;
}

function progressKeys(
  { processed, success }: Counters,
  foundBefore: number,
  operationType: OperationType,
  failure: OldFailure | undefined,
) {
  const found = failure === undefined ? processed : Math.max(foundBefore, processed);
  return {
    patients_found: found,
    patients_stored: success,
    sync_type: operationType,
    progress_percent: failure === undefined ? 100 : runningPercent(0, processed, found),
    phase: failure === undefined ? 'completed' : 'failed',
    trigger: { kind: 'external', name: 'imported from the old system' },
    ...(failure === undefined
      ? { step: 'completed', success_rate: successRate(success, processed) }
      : {
          step: failure.errorType === 'SYNC_CANCELLED' ? 'cancelled' : 'failed',
          error: failure.details,
          error_type: failure.errorType,
          // What failed in the old system is not started again here.
          retry_recommended: false,
        }),
  };
}

function failureOf(ending: Exclude<Ending, 'completed' | 'skipped'>, details: string | null): OldFailure {
  switch (ending) {
    case 'timeout':
      return TIMED_OUT;
    case 'cancelled':
      return CANCELLED;
    case 'running':
      return NEVER_ENDED;
    case 'failed':
      return readFailure(details);
    default:
      return ending satisfies never;
  }
}

function readMetadata(text: string | null): Record<string, unknown> {
  const value = parseJson(text);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function foundIn(metadata: string | null): number {
  const { patients_found: found, total_patients: total } = readMetadata(metadata);
  return readCount(String(found ?? total ?? 0));
}

/** Only the list of patients that failed; a failed run also had its own error there as a text. */
function errorsIn(metadata: string | null): string | null {
  const { errors } = readMetadata(metadata);
  return Array.isArray(errors) ? JSON.stringify(errors) : null;
}

export const word = (text: string | null): string => (text ?? '').trim().toLowerCase();

/** For the report. A name of a program; anything else may be a text about a patient. */
function shown(text: string | null): string {
  return /^[a-z][a-z0-9_-]{0,49}$/.test(word(text)) ? word(text) : 'of another kind';
}
