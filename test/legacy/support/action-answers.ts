/** The answers to what starts, cancels or cleans up syncs, field by field: strict, so that a missing, additional or mistyped field fails. */
import { z } from 'zod';
import { Count, Log, Organization, ProgressStatus, SyncId, Time, WholePercent } from './answer-parts.ts';

const started = {
  success: z.literal(true),
  message: z.string(),
  organization_id: Organization,
  operation_type: z.string(),
  timestamp: Time,
  sync_log_id: z.int(),
  status: z.enum(['running', 'failed']),
  already_running: z.boolean(),
  log: Log,
};
export const Started = z.strictObject({ ...started, result: z.null() });
const mode = { sync_mode: z.string(), force_full: z.boolean() };
export const StartedInMode = z.strictObject({
  ...started,
  ...mode,
  result: z.strictObject({ ...mode, recommendation: z.string() }),
});
const shortly = { organization_id: Organization, message: z.string(), timestamp: Time };
export const Scheduled = z.strictObject({ ...shortly, sync_scheduled: z.boolean() });
export const Triggered = z.strictObject({ ...shortly, sync_started: z.boolean() });

export const StartedProgress = z.strictObject({
  message: z.string(),
  sync_id: SyncId,
  sync_mode: z.string(),
  organization_id: Organization,
  started_at: Time,
  status: z.literal('starting'),
});
export const AlreadyInProgress = z.strictObject({
  message: z.string().regex(/already in progress/),
  sync_id: SyncId,
  status: ProgressStatus,
  progress_percentage: WholePercent,
});
const ended = { success: z.literal(true), message: z.string(), sync_id: SyncId, timestamp: Time };
export const Cancelled = z.strictObject({ ...ended, status: ProgressStatus });
export const ForceCancelled = z.strictObject({ ...ended, previous_status: ProgressStatus });
export const CleanedUp = z.strictObject({ message: z.string(), cleaned_syncs: Count, timestamp: Time });
