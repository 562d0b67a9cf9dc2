/** A database as the old system really had it: uuids, texts as organization ids, and names in error details. */
import type { Sql } from 'postgres';

export const OLD_SCHEMA = `
  create table organizations (id text primary key, name text not null);
  create table patients (
    id uuid primary key default gen_random_uuid(), organization_id text not null references organizations(id),
    name text not null, contact_type text, cliniko_patient_id text, is_active boolean default true,
    activity_status text, upcoming_appointment_count integer default 0, last_synced_at timestamptz);
  create table sync_logs (
    id uuid primary key default gen_random_uuid(), organization_id text not null references organizations(id),
    source_system varchar(50) not null, operation_type varchar(50) not null, status varchar(20) not null,
    started_at timestamptz not null, completed_at timestamptz, records_processed integer default 0,
    records_success integer default 0, records_failed integer default 0, metadata jsonb, error_details jsonb,
    updated_at timestamptz);
  create table appointments (id uuid primary key default gen_random_uuid(), patient_id uuid not null references patients(id));
  create view active_contacts as select id, name from patients where is_active;
  create view last_runs as select organization_id, max(started_at) as started_at from sync_logs group by 1;
  insert into organizations (id, name) values ('org_abc', 'Harbour Street'), ('org_xyz', 'Hill Road');
  insert into patients (id, organization_id, name) values
    ('00000000-0000-4000-8000-000000000001', 'org_abc', 'Grace Example');
  insert into appointments (patient_id) values ('00000000-0000-4000-8000-000000000001')`;

export interface OldRun {
  organization?: string;
  source?: string;
  operation?: string;
  status: string;
  /** With a zone, such as `2026-03-01 10:00:00+11`. */
  startedAt: string;
  completedAt?: string;
  updatedAt?: string;
  counts?: [processed: number, success: number, failed: number];
  metadata?: object;
  errorDetails?: unknown;
}

export async function insertOldRuns(sql: Sql, runs: readonly OldRun[]): Promise<void> {
  for (const run of runs) {
    const [processed, success, failed] = run.counts ?? [0, 0, 0];
    const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
    await sql`insert into sync_logs (organization_id, source_system, operation_type, status, started_at, completed_at,
        updated_at, records_processed, records_success, records_failed, metadata, error_details)
      values (${run.organization ?? 'org_abc'}, ${run.source ?? 'cliniko'}, ${run.operation ?? 'full_patients'}, ${run.status},
        ${run.startedAt}::text::timestamptz, ${run.completedAt ?? null}::text::timestamptz,
        ${run.updatedAt ?? null}::text::timestamptz, ${processed}, ${success}, ${failed},
        ${json(run.metadata)}::text::jsonb, ${json(run.errorDetails)}::text::jsonb)`;
  }
}
