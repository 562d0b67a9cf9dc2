/**
 * Erases patients permanently. Cliniko does not report deletions, so this is our duty.
 *
 * An erased patient is removed from the tables `patients` and `quarantine`, and the lines with its id are removed from the
 * logs, their events and checkpoints. A preview counts with the same conditions as the erasure.
 *
 * Not here: which principals may erase, and the callers (routes.ts, cli/erase.ts, purge.ts).
 */
import type { ISql } from 'postgres';
import type { ErasedPatients } from '#contract/erasure.ts';
import { type AuditEntry, appendAudit } from '../audit/append.ts';
import type { Database } from '../database/open.ts';
import { portions, ROWS_AT_ONCE } from '../database/portions.ts';
import { interruptAndRun } from '../sync/exclusive-transaction.ts';
import { revokeLeases } from '../sync/lease.ts';
import { erasePatientLines, lockNamingRows } from './patient-lines.ts';

export type ErasureTarget =
  | { kind: 'all' }
  /** Cliniko ids. */
  | { kind: 'listed'; ids: readonly string[] }
  /** Patients missing in Cliniko for this many days. */
  | { kind: 'missing'; forDays: number };

/** Counts what `erasePatients` would erase. Changes nothing. */
export async function countErasable(
  sql: ISql,
  organizationId: number,
  target: ErasureTarget,
): Promise<ErasedPatients & { still_in_cliniko: number }> {
  const [row] = await sql<{ patients: number; quarantined: number; still_in_cliniko: number }[]>`
    select
      (select count(*)::int from patients where ${targetPatients(sql, organizationId, target)}) as patients,
      (select count(*)::int from quarantine where ${targetQuarantine(sql, organizationId, target)}) as quarantined,
      (select count(*)::int from patients where ${targetPatients(sql, organizationId, target)}
        and missing_since is null) as still_in_cliniko`;
  return row ?? { patients: 0, quarantined: 0, still_in_cliniko: 0 };
}

/**
 * Erases and writes the audit entry in one transaction. If there is nothing to erase, there is no entry unless `audit` gives
 * one.
 */
export async function eraseAndAudit(
  { sql }: Database,
  organizationId: number,
  target: ErasureTarget,
  audit: (erased: ErasedPatients) => AuditEntry | undefined,
): Promise<ErasedPatients> {
  return await interruptAndRun(sql, organizationId, async (tx) => {
    const erased = await erasePatients(tx, organizationId, target);
    const entry = audit(erased);
    if (entry !== undefined) await appendAudit(tx, entry);
    return erased;
  });
}

/**
 * Call it in a transaction that holds the organization exclusively, with its audit entry. A running sync loses its lease:
 * pages that it read before would restore the patients. Its next worker reads them again, from a checkpoint without their
 * ids.
 *
 * @returns how many were erased
 */
export async function erasePatients(
  tx: ISql,
  organizationId: number,
  target: ErasureTarget,
): Promise<ErasedPatients> {
  const ids = await erasedIds(tx, organizationId, target);
  if (ids?.length === 0) return { patients: 0, quarantined: 0 };
  const named = await lockNamingRows(tx, organizationId, ids);
  await revokeLeases(tx, organizationId);
  await erasePatientLines(tx, organizationId, named, ids);
  const patients = await deleteInPortions(tx, 'patients', organizationId, ids);
  const quarantined = await deleteInPortions(tx, 'quarantine', organizationId, ids);
  return { patients, quarantined };
}

/** @returns null: all patients */
async function erasedIds(
  tx: ISql,
  organizationId: number,
  target: ErasureTarget,
): Promise<readonly string[] | null> {
  switch (target.kind) {
    case 'all':
      return null;
    case 'listed':
      return [...target.ids].sort();
    case 'missing': {
      const rows = await tx<{ id: string }[]>`
        select cliniko_patient_id as id from patients where ${targetPatients(tx, organizationId, target)}
        order by cliniko_patient_id`;
      return rows.map((row) => row.id);
    }
    default:
      return target satisfies never;
  }
}

const KEY_COLUMN = { patients: 'cliniko_patient_id', quarantine: 'record_key' } as const;

/** @param ids sorted; null: all of them */
async function deleteInPortions(
  tx: ISql,
  table: keyof typeof KEY_COLUMN,
  organizationId: number,
  ids: readonly string[] | null,
): Promise<number> {
  const key = tx(KEY_COLUMN[table]);
  const remove = async (portion: readonly string[]): Promise<number> => {
    const { count } = await tx`delete from ${tx(table)}
      where organization_id = ${organizationId} and ${key} = any(${portion as string[]}::text[])`;
    return count;
  };
  let erased = 0;
  if (ids !== null) {
    for (const portion of portions(ids)) erased += await remove(portion);
    return erased;
  }
  for (let after = ''; ; ) {
    const rows = await tx<{ key: string }[]>`
      select ${key} as key from ${tx(table)} where organization_id = ${organizationId} and ${key} > ${after}
      order by ${key} limit ${ROWS_AT_ONCE}`;
    const last = rows.at(-1);
    if (last === undefined) return erased;
    erased += await remove(rows.map((row) => row.key));
    after = last.key;
  }
}

function targetPatients(sql: ISql, organizationId: number, target: ErasureTarget) {
  const ofClinic = sql`organization_id = ${organizationId}`;
  switch (target.kind) {
    case 'all':
      return ofClinic;
    case 'listed':
      return sql`${ofClinic} and cliniko_patient_id = any(${target.ids as string[]}::text[])`;
    case 'missing':
      return sql`${ofClinic} and missing_since < now() - make_interval(days => ${target.forDays})`;
    default:
      return target satisfies never;
  }
}

function targetQuarantine(sql: ISql, organizationId: number, target: ErasureTarget) {
  const ofClinic = sql`organization_id = ${organizationId}`;
  if (target.kind === 'all') return ofClinic;
  if (target.kind === 'listed')
    return sql`${ofClinic} and record_key = any(${target.ids as string[]}::text[])`;
  return sql`${ofClinic} and record_key in (
    select cliniko_patient_id from patients where ${targetPatients(sql, organizationId, target)})`;
}
