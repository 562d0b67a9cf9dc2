/** A stored patient in the shape of the old lists: active patients only, the most recently synced first. */
import type { Sql } from 'postgres';
import { isoTime } from '../database/iso-time.ts';
import { matchesNameOrEmail } from '../patients/match-text.ts';

export type LegacyPatient = ReturnType<typeof toLegacyPatient>;

export interface LegacyPatientFilter {
  limit: number;
  offset: number;
  /** Part of a name or an e-mail address. */
  search?: string | undefined;
  syncedAfter?: Date | undefined;
}

interface PatientRow {
  cliniko_patient_id: string;
  first_name: string | null;
  last_name: string | null;
  email: string | null;
  phone: string | null;
  date_of_birth: string | null;
  is_active: boolean;
  synced_at: string | null;
  created_at: string | null;
  updated_at: string | null;
}

/** `last_synced_at`: the end of the last completed run that saw the patient, or the row's own last change, if later. */
export async function readLegacyPatients(
  sql: Sql,
  organizationId: number,
  { limit, offset, search, syncedAfter }: LegacyPatientFilter,
): Promise<{ patients: LegacyPatient[]; total: number }> {
  // Full and active runs see every patient of the list who is not held; any other run stores what it sees, or finds it unchanged.
  const sawAll = sql`organization_id = ${organizationId} and status = 'completed'
    and operation_type in ('full_patients', 'active_patients') and isfinite(completed_at)`;
  const matching = sql`
    select patients.*, greatest(patients.stored_at, case when held_since is null
      -- The same for all of these patients, and read once.
      then (select max(completed_at) at time zone 'utc' from sync_logs where ${sawAll})
      -- The run that did not find the patient ended in the transaction that holds it.
      else (select completed_at at time zone 'utc' from sync_logs where ${sawAll} and sync_status_word(status) = 'completed'
        and coalesce(completed_at, started_at) < date_trunc('milliseconds', held_since) at time zone 'utc'
        order by coalesce(completed_at, started_at) desc limit 1) end) as synced_at
    from patients
    where patients.organization_id = ${organizationId}
      and missing_since is null and merged_into is null and archived_at is null
      ${search === undefined ? sql`` : sql`and ${matchesNameOrEmail(sql, search)}`}`;
  const synced =
    syncedAfter === undefined ? sql`` : sql`where synced_at > ${syncedAfter.toISOString()}::timestamptz`;
  const [rows, [count]] = await Promise.all([
    sql<PatientRow[]>`
      select cliniko_patient_id, first_name, last_name, email, phone, date_of_birth::text as date_of_birth,
        archived_at is null as is_active, ${isoTime(sql, 'synced_at')} as synced_at,
        ${isoTime(sql, 'created_at')} as created_at, ${isoTime(sql, 'updated_at')} as updated_at
      from (${matching}) as patient ${synced}
      order by patient.synced_at desc, cliniko_patient_id limit ${limit} offset ${offset}`,
    sql<{ total: number }[]>`select count(*)::int as total from (${matching}) as patient ${synced}`,
  ]);
  return { patients: rows.map(toLegacyPatient), total: count?.total ?? 0 };
}

function toLegacyPatient(row: PatientRow) {
  return {
    id: row.cliniko_patient_id,
    cliniko_patient_id: row.cliniko_patient_id,
    name: [row.first_name, row.last_name].filter(Boolean).join(' '),
    first_name: row.first_name ?? '',
    last_name: row.last_name ?? '',
    email: row.email,
    phone: row.phone,
    date_of_birth: row.date_of_birth,
    is_active: row.is_active,
    activity_status: row.is_active ? 'active' : 'inactive',
    recent_appointment_count: 0,
    upcoming_appointment_count: 0,
    total_appointment_count: 0,
    first_appointment_date: null,
    last_appointment_date: null,
    next_appointment_time: null,
    next_appointment_type: null,
    primary_appointment_type: null,
    treatment_notes: null,
    recent_appointments: [],
    upcoming_appointments: [],
    last_synced_at: row.synced_at,
    last_synced: row.synced_at,
    created_at: row.created_at,
    updated_at: row.updated_at,
  };
}
