/** The answers of the old service, field by field: strict, so that a missing, additional or mistyped field fails. */
import { z } from 'zod';
import { SyncLog, SyncStep } from '#contract/sync-log.ts';

const Time = z.iso.datetime();
const Count = z.int().min(0);
const Percent = z.number().min(0).max(100);
const WholePercent = z.int().min(0).max(100);
const Zero = z.literal(0);
const Organization = z.int();

/** A log, with the keys that old clients read in its metadata. */
const Log = SyncLog.check(
  z.refine(
    ({ metadata }: SyncLog) => LogMetadata.safeParse(metadata).success,
    'lacks a key of the old metadata',
  ),
);
const LogMetadata = z.looseObject({
  progress_percent: Percent,
  step: SyncStep,
  patients_loaded: Count,
  patients_processed: Count,
  total_patients: Count,
  patients_to_store: Count,
  patients_deleted: Count,
  timestamp: Time,
});

export const Problem = z.object({ status: z.int(), code: z.string(), detail: z.string().min(1) });

export const Health = z.strictObject({ status: z.literal('healthy'), timestamp: Time, version: z.string() });

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

const status = {
  organization_id: Organization,
  last_sync_time: Time.nullable(),
  total_patients: Count,
  active_patients: Count,
  synced_patients: Count,
  sync_percentage: Percent,
  status: z.enum(['connected', 'no_data']),
  timestamp: Time,
  last_sync: Time.nullable(),
  sync_status: z.string(),
  sync_duration: z
    .string()
    .regex(/^(\d+h )?(\d+m )?\d+s$/)
    .nullable(),
  operation_type: z.string().nullable(),
  patient_counts: z.strictObject({
    total_in_cliniko: Count,
    synced_to_database: Count,
    success_rate: Percent,
  }),
  total_contacts: Count,
  upcoming_appointments: Zero,
  cliniko_connected: z.boolean(),
  api_region: z.string().nullable(),
  sync_enabled: z.boolean(),
  credentials_valid: z.boolean(),
};
export const Status = z.strictObject(status);
export const StatusWithAll = z.strictObject({
  ...status,
  sync_logs: z.array(z.looseObject({ error_message: z.string().nullable(), source_system: z.string() })),
  sync_logs_count: Count,
  health_check: z.strictObject({
    has_credentials: z.boolean(),
    credentials_active: z.boolean(),
    sync_enabled: z.boolean(),
    has_patients: z.boolean(),
    has_synced_data: z.boolean(),
    high_sync_rate: z.boolean(),
    service_last_sync: Time.nullable(),
  }),
});

export const Connected = z.strictObject({
  success: z.literal(true),
  message: z.string(),
  organization_id: Organization,
  api_url: z.string(),
  practitioners_count: Count,
  total_patients_available: Count,
  total_patients: Count,
  sample_patients_available: z.boolean(),
  sample_patients_count: z.union([Zero, z.literal(1)]),
  status: z.literal('connected'),
  api_version: z.literal('v1'),
  connection_test: z.literal('passed'),
  organization: z.strictObject({ name: z.string() }),
});
export const NotConnected = z.strictObject({
  success: z.literal(false),
  message: z.string().min(1),
  error: z.string().min(1),
  organization_id: Organization,
  status: z.string(),
  connection_test: z.literal('failed'),
});

export const Logs = z.strictObject({
  logs: z.array(Log),
  organization_id: Organization,
  source_system: z.literal('cliniko'),
  total_logs: Count,
  has_more: z.boolean(),
});

const Patient = z.strictObject({
  id: z.string(),
  cliniko_patient_id: z.string(),
  name: z.string(),
  first_name: z.string(),
  last_name: z.string(),
  email: z.string().nullable(),
  phone: z.string().nullable(),
  date_of_birth: z.iso.date().nullable(),
  is_active: z.literal(true),
  activity_status: z.enum(['active', 'inactive']),
  recent_appointment_count: Zero,
  upcoming_appointment_count: Zero,
  total_appointment_count: Zero,
  first_appointment_date: z.null(),
  last_appointment_date: z.null(),
  next_appointment_time: z.null(),
  next_appointment_type: z.null(),
  primary_appointment_type: z.null(),
  treatment_notes: z.null(),
  recent_appointments: z.array(z.never()),
  upcoming_appointments: z.array(z.never()),
  last_synced_at: Time,
  last_synced: Time,
  created_at: Time.nullable(),
  updated_at: Time.nullable(),
});
export const ActivePatients = z.strictObject({
  active_patients: z.array(Patient),
  patients: z.array(Patient),
  total_count: Count,
  organization_id: Organization,
  pagination: z.strictObject({ total: Count, limit: Count, offset: Count, has_next: z.boolean() }),
});
const summary = {
  total_active_patients: Count,
  avg_recent_appointments: Zero,
  avg_upcoming_appointments: Zero,
  avg_total_appointments: Zero,
  patients_with_recent_appointments: Zero,
  patients_with_upcoming_appointments: Zero,
  last_sync_date: Time.nullable(),
  organization_id: Organization,
  timestamp: Time,
};
export const ActiveSummary = z.strictObject(summary);
const filters = z.strictObject({ with_appointments_only: z.boolean(), include_details: z.boolean() });
export const Stats = z.strictObject({ ...summary, filters });
export const StatsWithDetails = z.strictObject({
  ...summary,
  filters,
  patient_details: z.array(Patient),
  patient_details_count: Count,
});

const ProgressStatus = z.enum(['starting', 'running', 'completed', 'failed', 'cancelled']);
const SyncId = z.string().regex(/^sync_\d+_\d{8}_\d{6}(_\d+)?$/);
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
const ended = { success: z.literal(true), message: z.string(), sync_id: SyncId, timestamp: Time };
export const Cancelled = z.strictObject({ ...ended, status: ProgressStatus });
export const ForceCancelled = z.strictObject({ ...ended, previous_status: ProgressStatus });
export const CleanedUp = z.strictObject({ message: z.string(), cleaned_syncs: Count, timestamp: Time });

const dashboardSummary = z.strictObject({
  organization_id: Organization,
  total_patients: Count,
  active_patients: Count,
  patients_with_upcoming: Zero,
  patients_with_recent: Zero,
  total_upcoming_appointments: Zero,
  total_recent_appointments: Zero,
  total_all_appointments: Zero,
  avg_upcoming_per_patient: Zero,
  avg_recent_per_patient: Zero,
  avg_total_per_patient: Zero,
  engagement_rate: Zero,
  last_sync_time: Time.nullable(),
  synced_patients: Count,
  sync_percentage: Percent,
  integration_status: z.enum(['Connected', 'Partial', 'Not Connected']),
  activity_status: z.enum(['Active', 'Inactive']),
  generated_at: Time,
});
const activity = z.array(
  z.strictObject({
    id: z.int(),
    source_system: z.string(),
    operation_type: z.string(),
    status: z.enum(['running', 'completed', 'failed']),
    records_processed: Count,
    records_success: Count,
    records_failed: Count,
    started_at: Time,
    completed_at: Time.nullable(),
    activity_type: z.enum(['success', 'partial', 'error', 'running']),
    description: z.string().min(1),
    minutes_ago: Count,
  }),
);
const dashboard = { success: z.literal(true), organization_id: Organization, timestamp: Time };
export const Dashboard = z.strictObject({
  ...dashboard,
  summary: dashboardSummary,
  recent_activity: activity,
});
export const Services = z.strictObject({
  organization_id: Organization,
  services: z.array(
    z.strictObject({
      id: z.int(),
      service_name: z.literal('cliniko'),
      is_active: z.boolean(),
      sync_enabled: z.boolean(),
      last_sync_at: Time.nullable(),
      service_config: z.strictObject({}),
    }),
  ),
  total_services: Count,
  active_services: Count,
  primary_service: z.literal('cliniko'),
  available_integrations: z.array(z.literal('cliniko')),
  timestamp: Time,
});
