/**
 * Erasing patients for good. Deletions in Cliniko never reach us, so that duty is ours.
 *
 * Whoever is erased leaves the tables `patients` and `quarantine`, and the lines that name him by id leave the logs, their
 * events and checkpoints. What is counted beforehand is counted by the same conditions as what is then erased.
 *
 * Not here: who may do it, and who asks (routes.ts, cli/erase.ts, purge.ts).
 */
import type { ISql } from 'postgres';
import type { ErasedPatients } from '../contract/erasure.ts';

export type Whom =
  | { kind: 'everybody' }
  /** Cliniko ids. */
  | { kind: 'these'; ids: readonly string[] }
  /** Whom Cliniko has not had for so many days. */
  | { kind: 'missing'; forDays: number };

/** What `erasePatients` would erase. Changes nothing. */
export async function countErasable(
  sql: ISql,
  organizationId: number,
  whom: Whom,
): Promise<ErasedPatients & { still_in_cliniko: number }> {
  const [row] = await sql<{ patients: number; quarantined: number; still_in_cliniko: number }[]>`
    select
      (select count(*)::int from patients where ${patientsMeant(sql, organizationId, whom)}) as patients,
      (select count(*)::int from quarantine where ${quarantineMeant(sql, organizationId, whom)}) as quarantined,
      (select count(*)::int from patients where ${patientsMeant(sql, organizationId, whom)}
        and missing_since is null) as still_in_cliniko`;
  return row ?? { patients: 0, quarantined: 0, still_in_cliniko: 0 };
}

/** In a transaction, with its audit entry. @returns how many were erased */
export async function erasePatients(tx: ISql, organizationId: number, whom: Whom): Promise<ErasedPatients> {
  // First: who is in quarantine as well may be found only through `patients`.
  const quarantined = await tx`
    delete from quarantine where ${quarantineMeant(tx, organizationId, whom)} returning cliniko_patient_id as id`;
  const patients = await tx<{ id: string }[]>`
    delete from patients where ${patientsMeant(tx, organizationId, whom)} returning cliniko_patient_id as id`;
  const ids = whom.kind === 'these' ? whom.ids : patients.map((patient) => patient.id);
  await eraseFromLogs(tx, organizationId, whom.kind === 'everybody' ? null : ids);
  return { patients: patients.length, quarantined: quarantined.length };
}

function patientsMeant(sql: ISql, organizationId: number, whom: Whom) {
  const ofClinic = sql`organization_id = ${organizationId}`;
  switch (whom.kind) {
    case 'everybody':
      return ofClinic;
    case 'these':
      return sql`${ofClinic} and cliniko_patient_id = any(${whom.ids as string[]}::text[])`;
    case 'missing':
      return sql`${ofClinic} and missing_since < now() - make_interval(days => ${whom.forDays})`;
    default:
      return whom satisfies never;
  }
}

function quarantineMeant(sql: ISql, organizationId: number, whom: Whom) {
  const ofClinic = sql`organization_id = ${organizationId}`;
  if (whom.kind === 'everybody') return ofClinic;
  if (whom.kind === 'these') return sql`${ofClinic} and record_key = any(${whom.ids as string[]}::text[])`;
  return sql`${ofClinic} and record_key in (
    select cliniko_patient_id from patients where ${patientsMeant(sql, organizationId, whom)})`;
}

/** @param ids null: all of them */
async function eraseFromLogs(tx: ISql, organizationId: number, ids: readonly string[] | null): Promise<void> {
  const meant = tx`${ids as string[] | null}::text[]`;
  await tx`
    update sync_logs set metadata = jsonb_set(metadata, '{errors}', without_patient_lines(metadata -> 'errors', ${meant}))
    where organization_id = ${organizationId}
      and metadata -> 'errors' <> without_patient_lines(metadata -> 'errors', ${meant})`;
  await tx`
    update sync_events
    set row = jsonb_set(row, '{metadata,errors}', without_patient_lines(row #> '{metadata,errors}', ${meant}))
    where organization_id = ${organizationId}
      and row #> '{metadata,errors}' <> without_patient_lines(row #> '{metadata,errors}', ${meant})`;
  await tx`
    update sync_runs
    set checkpoint = jsonb_set(checkpoint, '{errors}', without_patient_lines(checkpoint -> 'errors', ${meant}))
    where organization_id = ${organizationId}
      and checkpoint -> 'errors' <> without_patient_lines(checkpoint -> 'errors', ${meant})`;
}
