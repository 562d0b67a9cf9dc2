/**
 * The answers of the dashboard, of the services and of the health check, field by field: strict, so that a missing,
 * additional or mistyped field fails.
 */
import { z } from 'zod';
import { Count, Organization, Percent, Time, Zero } from './answer-parts.ts';

export const Health = z.strictObject({ status: z.literal('healthy'), timestamp: Time, version: z.string() });

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
