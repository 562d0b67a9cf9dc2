/**
 * Reads external sync logs by hand: accepts what `SyncLog` of the contract accepts, without zod.
 *
 * This code is loaded into other sites' pages (embed/), where zod would be three quarters of the script. The property
 * test test/web-client/read-frame.test.ts checks with thousands of values that both readers agree.
 */
import { CURSOR } from '#contract/cursor.ts';
import type {
  CompletenessProof,
  PerformanceMetrics,
  SyncLog,
  SyncMetadata,
  SyncPhase,
  SyncStatus,
} from '#contract/sync-log.ts';

export type Fields = Readonly<Record<string, unknown>>;
type Fits = (value: unknown) => boolean;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const isText = (value: unknown): value is string => typeof value === 'string';
export const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);
export const isCursor = (value: unknown): value is string => isText(value) && CURSOR.test(value);
export const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isNull = (value: unknown): value is null => value === null;

/** Exhaustive by their types: a value that is added to the contract does not compile until it is added here too. */
const STATUSES: Record<SyncStatus, true> = { running: true, completed: true, failed: true };
const PHASES: Record<SyncPhase, true> = {
  queued: true,
  fetching: true,
  storing: true,
  waiting: true,
  finishing: true,
  cancelling: true,
  completed: true,
  failed: true,
};
const METRICS: Record<keyof PerformanceMetrics, Fits> = {
  total_duration: isText,
  api_fetch_time: isText,
  processing_time: isText,
  database_time: isText,
  patients_per_second: isNumber,
  api_requests: isWhole,
  database_operations: isWhole,
};
const PROOF: Record<keyof CompletenessProof, Fits> = {
  seen: isWhole,
  total_at_start: (value) => isNull(value) || isWhole(value),
  total_at_end: (value) => isNull(value) || isWhole(value),
  repairs: isWhole,
  proven: isBoolean,
  reason: (value) => value === undefined || isText(value),
};

type Known = Exclude<
  keyof { [K in keyof SyncMetadata as string extends K ? never : K]: 1 },
  'progress_percent'
>;

/** A value of the wrong type, written by another program, reads as absent. */
const LENIENT: Record<Known, Fits> = {
  patients_found: isNumber,
  patients_stored: isNumber,
  current_page: isNumber,
  total_pages: isNumber,
  estimated_remaining: (value) => isNull(value) || isText(value),
  estimated_remaining_ms: (value) => isNull(value) || isNumber(value),
  errors: (value) => Array.isArray(value) && value.every(isText),
  errors_total: isNumber,
  warnings_total: isNumber,
  phase: (value) => isWordOf(value, PHASES),
  step: isText,
  patients_loaded: isNumber,
  patients_processed: isNumber,
  total_patients: isNumber,
  patients_to_store: isNumber,
  patients_deleted: isNumber,
  error: isText,
  timestamp: isText,
  queue_position: isNumber,
  trigger: (value) => isFields(value) && isText(value.kind),
  waiting_until: isText,
  waiting_reason: isText,
  try: isNumber,
  max_tries: isNumber,
  success_rate: isNumber,
  performance_metrics: (value) => hasFields(value, METRICS),
  proof: (value) => hasFields(value, PROOF),
  missing_marked: isNumber,
  missing_held: isNumber,
  error_type: isText,
  retry_recommended: isBoolean,
  solution: isText,
};

const LOG: Record<keyof SyncLog, Fits> = {
  id: isWhole,
  organization_id: isWhole,
  source_system: isText,
  operation_type: isText,
  status: (value) => isWordOf(value, STATUSES),
  started_at: isText,
  completed_at: (value) => isNull(value) || isText(value),
  records_processed: isWhole,
  records_success: isWhole,
  records_failed: isWhole,
  error_details: (value) => isNull(value) || isText(value),
  created_at: isText,
  updated_at: isText,
  cursor: (value) => isNull(value) || isCursor(value),
  metadata: (value) => isFields(value) && isNumber(value.progress_percent),
};

/** @returns undefined when the value is no sync log */
export function readLog(value: unknown): SyncLog | undefined {
  if (!isFields(value) || !isFields(value.metadata)) return undefined;
  const log: Fields = { ...value, metadata: withoutStrangers(value.metadata) };
  return isLog(log) ? log : undefined;
}

export function hasFields(value: unknown, fields: Readonly<Record<string, Fits>>): value is Fields {
  return isFields(value) && Object.entries(fields).every(([name, fits]) => fits(value[name]));
}

export function isWordOf<Word extends string>(
  value: unknown,
  words: Readonly<Record<Word, true>>,
): value is Word {
  return isText(value) && Object.hasOwn(words, value);
}

function isLog(value: Fields): value is Fields & SyncLog {
  return hasFields(value, LOG);
}

function withoutStrangers(metadata: Fields): Fields {
  const lenient: Readonly<Record<string, Fits>> = LENIENT;
  return Object.fromEntries(
    Object.entries(metadata).filter(([name, value]) => lenient[name]?.(value) ?? true),
  );
}
