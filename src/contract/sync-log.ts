/**
 * A sync log: the one public representation of a sync run.
 *
 * The poll, the streams and the history all carry this object, so a client may change its transport during a run.
 * The server renders it from the row of `sync_logs` (events/render.ts); clients read it.
 *
 * Not here: its envelope on a stream (stream-event.ts).
 */
import * as z from 'zod/mini';
import { CursorText } from './cursor-text.ts';
import { SYNC_PHASES } from './sync-phase.ts';

/** The greatest `integer` of Postgres. */
export const MAX_ROW_ID = 2_147_483_647;

/** Ids of organizations and sync logs: a Postgres `integer` above zero. */
export const RowId = z.int().check(z.minimum(1), z.maximum(MAX_ROW_ID));

/** Old clients stop polling at `completed` and `failed`, so no other final status may be added. */
export const SyncStatus = z.enum(['running', 'completed', 'failed']);
export type SyncStatus = z.infer<typeof SyncStatus>;

/** The types of our own runs. Rows of other programs may hold any text. */
export const OperationType = z.enum(['full_patients', 'active_patients', 'changed_patients']);
export type OperationType = z.infer<typeof OperationType>;

/** Its transitions are in sync-phase.ts. */
export const SyncPhase = z.enum(SYNC_PHASES);
export type SyncPhase = z.infer<typeof SyncPhase>;

/** Old clients choose their text by it. In the order of a run; the last three are final. */
export const SyncStep = z.enum([
  'initializing',
  'checking_config',
  'validating_credentials',
  'fetching_patients',
  'storing_patients',
  'checking_deletions',
  'completed',
  'failed',
  'cancelled',
]);
export type SyncStep = z.infer<typeof SyncStep>;

/** What started a run. `name` is the name of an account, `schedule` a cron expression; never a secret. */
export const SyncTrigger = z.object({
  kind: z.enum(['person', 'token', 'schedule', 'retry', 'external']),
  name: z.optional(z.string()),
  schedule: z.optional(z.string()),
});
export type SyncTrigger = z.infer<typeof SyncTrigger>;

export const SyncErrorType = z.enum([
  'CLINIKO_AUTH_FAILED',
  'CLINIKO_FORBIDDEN',
  'CLINIKO_RATE_LIMITED',
  'CLINIKO_UNAVAILABLE',
  'CLINIKO_BAD_RESPONSE',
  'DATABASE_CONSTRAINT_ERROR',
  'DATABASE_UNAVAILABLE',
  'SYNC_CANCELLED',
  'SYNC_INTERRUPTED',
  'INTERNAL_ERROR',
]);
export type SyncErrorType = z.infer<typeof SyncErrorType>;

/** Durations are texts like "4m 22s". Phases overlap, so they may add up to more than the total. */
export const PerformanceMetrics = z.object({
  total_duration: z.string(),
  api_fetch_time: z.string(),
  processing_time: z.string(),
  database_time: z.string(),
  patients_per_second: z.number(),
  api_requests: z.int(),
  database_operations: z.int(),
});
export type PerformanceMetrics = z.infer<typeof PerformanceMetrics>;

/** How completely a run read its clinic: proven when every patient of an unchanged total was seen. */
export const CompletenessProof = z.object({
  /** By the page scan, or by the last keyset scan. */
  seen: z.int(),
  total_at_start: z.nullable(z.int()),
  total_at_end: z.nullable(z.int()),
  /** Pages that were read again because the clinic changed during the scan. */
  repairs: z.int(),
  proven: z.boolean(),
  /** Why it is not proven, as text for people. */
  reason: z.optional(z.string()),
});
export type CompletenessProof = z.infer<typeof CompletenessProof>;

/** The estimated total duration of a run at a given point, including the elapsed time. */
export const Forecast = z.object({ at_percent: z.number(), predicted_ms: z.int() });
export type Forecast = z.infer<typeof Forecast>;

/** What our engine writes into `sync_logs.metadata`. */
export const EngineMetadata = z.object({
  patients_found: z.int(),
  patients_stored: z.int(),
  sync_type: OperationType,
  current_page: z.int(),
  total_pages: z.int(),
  /** 0 to 100, one decimal; 100 only when completed. */
  progress_percent: z.number(),
  estimated_remaining: z.nullable(z.string()),
  estimated_remaining_ms: z.nullable(z.int()),
  /** The newest 20, by patient id and reason, never with a name or a value. */
  errors: z.array(z.string()),
  errors_total: z.int(),
  warnings_total: z.int(),
  phase: SyncPhase,
  step: SyncStep,
  /** Records read from Cliniko, and records processed, so far. */
  patients_loaded: z.int(),
  patients_processed: z.int(),
  /** Both are `patients_found`, under the names of the old service. */
  total_patients: z.int(),
  patients_to_store: z.int(),
  /** Marked as missing by this run. */
  patients_deleted: z.int(),
  /** Of a failed run: its `error_details`. */
  error: z.optional(z.string()),
  trigger: z.optional(SyncTrigger),
  /** Of a scheduled run that failed for a passing reason: when it is tried again, ISO 8601 UTC. */
  retry_at: z.optional(z.string()),
  /** The failed run that this one tries again. */
  retry_of: z.optional(z.int()),
  attempt: z.int(),
  inserted: z.int(),
  updated: z.int(),
  unchanged: z.int(),
  archived: z.int(),
  waiting_until: z.optional(z.string()),
  waiting_reason: z.optional(z.string()),
  /** While a request is retried: the number of the attempt, and the maximum. */
  try: z.optional(z.int()),
  max_tries: z.optional(z.int()),
  success_rate: z.optional(z.number()),
  performance_metrics: z.optional(PerformanceMetrics),
  proof: z.optional(CompletenessProof),
  /** The actual duration of the run, and the estimates made during it. */
  duration_ms: z.optional(z.int()),
  forecasts: z.optional(z.array(Forecast)),
  /** Unseen patients of a proven full run: newly marked as missing, or held until a person confirms (too many at once). */
  missing_marked: z.optional(z.int()),
  missing_held: z.optional(z.int()),
  /** Quarantined records that Cliniko no longer has. */
  quarantine_removed: z.optional(z.int()),
  error_type: z.optional(SyncErrorType),
  retry_recommended: z.optional(z.boolean()),
  solution: z.optional(z.string()),
});
export type EngineMetadata = z.infer<typeof EngineMetadata>;

/**
 * Metadata as a client may receive it. Rows of other programs pass through, so only the percentage is guaranteed;
 * a known key that another program filled with another type reads as absent.
 */
const lenient = <T extends z.ZodMiniType>(type: T) => z.catch(z.optional(type), undefined);
export const SyncMetadata = z.looseObject({
  progress_percent: z.number(),
  patients_found: lenient(z.number()),
  patients_stored: lenient(z.number()),
  current_page: lenient(z.number()),
  total_pages: lenient(z.number()),
  estimated_remaining: lenient(z.nullable(z.string())),
  estimated_remaining_ms: lenient(z.nullable(z.number())),
  errors: lenient(z.array(z.string())),
  errors_total: lenient(z.number()),
  warnings_total: lenient(z.number()),
  phase: lenient(SyncPhase),
  step: lenient(z.string()),
  patients_loaded: lenient(z.number()),
  patients_processed: lenient(z.number()),
  total_patients: lenient(z.number()),
  patients_to_store: lenient(z.number()),
  patients_deleted: lenient(z.number()),
  error: lenient(z.string()),
  /** When the row changed, ISO 8601 UTC. */
  timestamp: lenient(z.string()),
  /** Of a queued run: 1 is next. Exact up to 10; a later one may be up to twice the true position. */
  queue_position: lenient(z.number()),
  trigger: lenient(z.looseObject({ kind: z.string() })),
  retry_at: lenient(z.string()),
  retry_of: lenient(z.number()),
  waiting_until: lenient(z.string()),
  waiting_reason: lenient(z.string()),
  try: lenient(z.number()),
  max_tries: lenient(z.number()),
  success_rate: lenient(z.number()),
  performance_metrics: lenient(PerformanceMetrics),
  proof: lenient(CompletenessProof),
  missing_marked: lenient(z.number()),
  missing_held: lenient(z.number()),
  error_type: lenient(z.string()),
  retry_recommended: lenient(z.boolean()),
  solution: lenient(z.string()),
});
export type SyncMetadata = z.infer<typeof SyncMetadata>;

export const SyncLog = z.object({
  id: z.int(),
  organization_id: z.int(),
  source_system: z.string(),
  operation_type: z.string(),
  status: SyncStatus,
  started_at: z.string(),
  completed_at: z.nullable(z.string()),
  records_processed: z.int(),
  records_success: z.int(),
  records_failed: z.int(),
  error_details: z.nullable(z.string()),
  created_at: z.string(),
  /** The time of this row's last change. */
  updated_at: z.string(),
  /** Of this row's last change; null once that event is older than the history. */
  cursor: z.nullable(CursorText),
  metadata: SyncMetadata,
});
export type SyncLog = z.infer<typeof SyncLog>;

/** Response of `GET /api/v1/cliniko/sync-logs/:orgId`, newest first. */
export const SyncLogList = z.object({
  logs: z.array(SyncLog),
  organization_id: z.int(),
  source_system: z.string(),
  /** The length of this page. */
  total_logs: z.int(),
  /** Whether more logs follow this page: request them with `before`. */
  has_more: z.boolean(),
});

/** Response of the POSTs that start a sync: the new run, or the one that is already active. */
export const StartedSync = z.object({
  success: z.literal(true),
  /** What happened, in one sentence. */
  message: z.string(),
  sync_log_id: z.int(),
  organization_id: z.int(),
  operation_type: z.string(),
  status: SyncStatus,
  already_running: z.boolean(),
  result: z.null(),
  timestamp: z.string(),
  log: SyncLog,
});
export type StartedSync = z.infer<typeof StartedSync>;
