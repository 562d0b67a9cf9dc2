/** The answers below `/cliniko` to reads, field by field: strict, so that a missing, additional or mistyped field fails. */
import { z } from 'zod';
import { Count, Log, Organization, Percent, Time, Zero } from './answer-parts.ts';

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
