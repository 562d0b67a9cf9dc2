/**
 * The unique constraint on `patients` that every upsert depends on.
 *
 * The system that this one replaces lost it once, and stored patients twice. So every run checks for it at its start
 * (sync/read/open-clinic.ts), and the migration command restores it.
 */
import type { ISql } from 'postgres';

export const PATIENT_UNIQUE = 'patients_org_cliniko_patient_unique';

export async function hasPatientUniqueness(sql: ISql): Promise<boolean> {
  const rows = await sql`select 1 from pg_constraint
    where conname = ${PATIENT_UNIQUE} and conrelid = to_regclass('public.patients') and contype = 'u'`;
  return rows.length > 0;
}

/** Keeps the newest version of a patient that is stored twice. Call it in a transaction. */
export async function restorePatientUniqueness(tx: ISql): Promise<void> {
  if (await hasPatientUniqueness(tx)) return;
  await tx`lock table patients in share row exclusive mode`;
  await tx`delete from patients as older using patients as newer
    where older.organization_id = newer.organization_id
      and older.cliniko_patient_id = newer.cliniko_patient_id
      and (coalesce(older.updated_at, '-infinity'), older.id) < (coalesce(newer.updated_at, '-infinity'), newer.id)`;
  await tx`alter table patients add constraint ${tx(PATIENT_UNIQUE)} unique (organization_id, cliniko_patient_id)`;
}
