/** The answers of the progress API below `/sync` to reads, field by field: strict, so that a missing, additional or mistyped field fails. */
import { z } from 'zod';
import {
  Count,
  Log,
  Organization,
  ProgressStatus,
  SyncId,
  Time,
  WholePercent,
  Zero,
} from './answer-parts.ts';

export const Progress = z.strictObject({
  organization_id: Organization,
  sync_id: SyncId,
  status: ProgressStatus,
  progress_percentage: WholePercent,
  current_step: z.string().min(1),
  total_steps: z.literal(8),
  current_step_number: z.int().min(1).max(8),
  patients_found: Count,
  appointments_found: Zero,
  active_patients_identified: Count,
  active_patients_stored: Count,
  records_processed: Count,
  records_total: Count,
  started_at: Time,
  completed_at: Time.nullable(),
  estimated_completion: Time.nullable(),
  errors: z.array(z.string()),
  last_updated: Time,
});
/** Of the newest run of an organization; a memory of the answer adds the time of the answer. */
export const NewestProgress = Progress.extend({ timestamp: Time });
export const NoSync = z.strictObject({
  organization_id: Organization,
  status: z.literal('no_sync_found'),
  message: z.string(),
  timestamp: Time,
});
export const History = z.strictObject({
  organization_id: Organization,
  total_syncs: Count,
  successful_syncs: Count,
  failed_syncs: Count,
  last_sync_at: Time.nullable(),
  last_successful_sync_at: Time.nullable(),
  average_sync_duration_seconds: z.number().min(0),
  recent_syncs: z.array(Log),
  sync_history: z.array(Log),
  timestamp: Time,
});
export const SyncDashboard = z.strictObject({
  organization_id: Organization,
  current_sync: z
    .strictObject({
      sync_id: SyncId,
      status: ProgressStatus,
      progress_percentage: WholePercent,
      current_step: z.string().min(1),
      patients_found: Count,
      appointments_found: Zero,
      active_patients_identified: Count,
      active_patients_stored: Count,
    })
    .nullable(),
  patient_stats: z.strictObject({
    total_patients: Count,
    active_patients: Count,
    patients_with_upcoming: Zero,
    patients_with_recent: Zero,
    last_sync_time: Time.nullable(),
  }),
  last_sync: z
    .strictObject({
      status: z.string(),
      started_at: Time,
      completed_at: Time.nullable(),
      records_success: Count,
    })
    .nullable(),
  sync_available: z.literal(true),
  sync_history: z.array(Log).max(10),
  health_check: z.strictObject({
    has_credentials: z.boolean(),
    credentials_valid: z.boolean(),
    has_patients: z.boolean(),
    has_active_patients: z.boolean(),
    high_link_rate: z.boolean(),
  }),
  timestamp: Time,
});
export const Active = z.strictObject({
  active_syncs: z.array(
    z.strictObject({
      sync_id: SyncId,
      organization_id: Organization,
      status: ProgressStatus,
      progress_percentage: WholePercent,
      current_step: z.string(),
      started_at: Time,
    }),
  ),
  total_active: Count,
});
