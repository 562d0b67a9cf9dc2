/**
 * Patients that Cliniko no longer has. Cliniko does not report deletions, so a sync infers them from absence, and that
 * needs proof.
 *
 * Only a full run that has proven that it saw the whole clinic may mark the patients it did not see, and only a few at a
 * time. If many vanish at once, the cause is usually different (a wrong account, a truncated answer), and they are held
 * until a person confirms. No patient is deleted here, and a patient that appears on a later page is no longer missing.
 *
 * Not here: the proof (sync/read/completeness.ts), erasing.
 */
import type { ISql } from 'postgres';
import type { Fragment } from '../database/fragment.ts';
import { portions, ROWS_AT_ONCE } from '../database/portions.ts';

/** A larger share, and a larger number, of a clinic does not vanish between two syncs. */
const HELD_ABOVE_SHARE = 0.02;
const HELD_ABOVE = 20;

/** Stored patients that a run did not see. */
export interface UnseenPatients {
  /** Cliniko ids. */
  ids: readonly string[];
  /** Stored patients that are not known to be missing, including the unseen ones. */
  stored: number;
}

export interface MissingDecision {
  /** The number of patients marked as missing. */
  marked: number;
  /** The number of patients that wait for a confirmation. */
  held: number;
}

/** The run that did not see them. */
export interface UnseenBy {
  /** Patients that were stored later are not touched: another run or request saw them. */
  createdAt: Date;
  /** Whether it saw anything that was stored before. With a wrong API key it has read another clinic. */
  isRecognized: boolean;
}

/** Ids that a run has seen. */
export interface SeenPatients {
  has(id: string): boolean;
}

/** Whether the unseen patients may be marked without a confirmation. */
export function canMarkMissing({ ids, stored }: Pick<UnseenPatients, 'ids' | 'stored'>): boolean {
  // An empty answer never empties a clinic, not even a small one.
  return ids.length < stored && ids.length <= Math.max(HELD_ABOVE, stored * HELD_ABOVE_SHARE);
}

/**
 * The stored patients that are not known to be missing and were not seen.
 *
 * Compared in memory and not by a join: after a first sync PostgreSQL has no statistics about the size of the join. Read in
 * portions and not with a cursor, because a time limit for a statement applies to the whole reading of a cursor.
 *
 * @param since the start of the run: another run or request saw each patient that was stored later
 * @returns also how many it `recognized`: stored before, seen, and not written
 */
export async function findUnseen(
  sql: ISql,
  organizationId: number,
  seen: SeenPatients,
  since: Date,
): Promise<UnseenPatients & { recognized: number }> {
  const ids: string[] = [];
  let stored = 0;
  let recognized = 0;
  for (let after = ''; ; ) {
    const rows = await sql<{ id: string; is_missing: boolean; is_old: boolean }[]>`
      select cliniko_patient_id as id, missing_since is not null as is_missing,
        stored_at < ${since.toISOString()}::timestamptz as is_old
      from patients where organization_id = ${organizationId} and cliniko_patient_id > ${after}
      order by cliniko_patient_id limit ${ROWS_AT_ONCE}`;
    const last = rows.at(-1);
    if (last === undefined) return { ids, stored, recognized };
    for (const { id, is_missing, is_old } of rows) {
      if (is_missing) continue;
      stored += 1;
      if (!is_old) continue;
      if (seen.has(id)) recognized += 1;
      else ids.push(id);
    }
    after = last.id;
  }
}

/**
 * Call it in the transaction that ends a proven full run.
 *
 * A run that does not recognize its clinic holds them all. A patient that an earlier run has held stays so until a person
 * decides, although fewer are absent now.
 */
export async function markMissingOrHold(
  tx: ISql,
  organizationId: number,
  unseen: UnseenPatients,
  by: UnseenBy,
): Promise<MissingDecision> {
  const marks = canMarkMissing(unseen) && by.isRecognized;
  let marked = 0;
  let held = 0;
  for (const ids of portions([...unseen.ids].sort())) {
    const affected = tx`organization_id = ${organizationId} and cliniko_patient_id = any(${ids}::text[])
      and missing_since is null and stored_at < ${by.createdAt.toISOString()}::timestamptz`;
    if (marks) marked += await markPortion(tx, affected);
    held += await holdPortion(tx, affected);
  }
  return { marked, held };
}

/**
 * Patients of rejected records: Cliniko has them, though they cannot be stored as they are now. The upsert does the same for those
 * that it stores. Call it before the quarantine is written: that is the lock order.
 *
 * @param ids Cliniko ids; null for a record without one
 */
export async function markPresent(
  tx: ISql,
  organizationId: number,
  ids: readonly (string | null)[],
): Promise<void> {
  const known = ids.filter((id) => id !== null);
  if (known.length === 0) return;
  await tx`
    with absent as (
      select id from patients where organization_id = ${organizationId} and cliniko_patient_id = any(${known}::text[])
        and (missing_since is not null or held_since is not null)
      order by cliniko_patient_id for update)
    update patients set missing_since = null, held_since = null from absent where patients.id = absent.id`;
}

async function markPortion(tx: ISql, affected: Fragment): Promise<number> {
  const { count } =
    await tx`update patients set missing_since = now() where ${affected} and held_since is null`;
  return count;
}

/** Patients held since an earlier run are counted, but not written again. */
async function holdPortion(tx: ISql, affected: Fragment): Promise<number> {
  const [row] = await tx<{ held: number }[]>`select count(*)::int as held from patients where ${affected}`;
  await tx`update patients set held_since = now() where ${affected} and held_since is null`;
  return row?.held ?? 0;
}

/**
 * Marks the held patients as missing, after a person has confirmed that they are gone. The purge counts its days from the
 * confirmation.
 *
 * Call it in a transaction that holds the organization exclusively.
 * @returns how many
 */
export async function confirmMissing(tx: ISql, organizationId: number): Promise<number> {
  return await changeHeld(tx, organizationId, tx`missing_since = now(), held_since = null`);
}

/**
 * Releases the held patients, after a person has found that they are still in Cliniko. They count as before; a later full sync
 * that does not see them holds them again.
 *
 * Call it in a transaction that holds the organization exclusively.
 * @returns how many
 */
export async function releaseHeld(tx: ISql, organizationId: number): Promise<number> {
  return await changeHeld(tx, organizationId, tx`held_since = null`);
}

async function changeHeld(tx: ISql, organizationId: number, change: Fragment): Promise<number> {
  let changed = 0;
  for (let after = ''; ; ) {
    const rows = await tx<{ id: string }[]>`
      select cliniko_patient_id as id from patients
      where organization_id = ${organizationId} and cliniko_patient_id > ${after}
        and held_since is not null and missing_since is null
      order by cliniko_patient_id limit ${ROWS_AT_ONCE}`;
    const last = rows.at(-1);
    if (last === undefined) return changed;
    const { count } = await tx`update patients set ${change}
      where organization_id = ${organizationId}
        and cliniko_patient_id = any(${rows.map((row) => row.id)}::text[])`;
    changed += count;
    after = last.id;
  }
}

export interface PendingMissing {
  held: number;
  since: string | null;
  /** Cliniko ids, at most `MAX_LISTED_IDS`. */
  ids: string[];
  /** Cliniko ids of patients marked as missing, the newest first; at most `MAX_LISTED_IDS`. */
  missingIds: string[];
}

/** Enough for a person to check whether they are really gone. */
const MAX_LISTED_IDS = 100;

/** The patients that wait for a confirmation, and those that are marked. */
export async function readPendingMissing(sql: ISql, organizationId: number): Promise<PendingMissing> {
  const [row] = await sql<PendingMissing[]>`
    select count(*)::int as held, min(held_since) as since,
      coalesce((array_agg(cliniko_patient_id order by id))[1:${MAX_LISTED_IDS}::int], '{}') as ids,
      array(select cliniko_patient_id from patients
        where organization_id = ${organizationId} and missing_since is not null
        order by missing_since desc, id limit ${MAX_LISTED_IDS}) as "missingIds"
    from patients where organization_id = ${organizationId} and held_since is not null`;
  return row ?? { held: 0, since: null, ids: [], missingIds: [] };
}

export interface AbsentPatient {
  clinikoPatientId: string;
  state: 'held' | 'missing';
  /** ISO 8601 UTC. */
  since: string;
}

/** All of them, by id. Read in portions: a clinic can have many. */
export async function listAbsent(sql: ISql, organizationId: number): Promise<AbsentPatient[]> {
  const absent: AbsentPatient[] = [];
  for (let after = ''; ; ) {
    const rows = await sql<{ id: string; is_missing: boolean; since: number }[]>`
      select cliniko_patient_id as id, missing_since is not null as is_missing,
        extract(epoch from coalesce(missing_since, held_since))::float8 * 1000 as since
      from patients
      where organization_id = ${organizationId} and cliniko_patient_id > ${after}
        and (missing_since is not null or held_since is not null)
      order by cliniko_patient_id limit ${ROWS_AT_ONCE}`;
    for (const { id, is_missing, since } of rows) {
      const state = is_missing ? 'missing' : 'held';
      absent.push({ clinikoPatientId: id, state, since: new Date(since).toISOString() });
    }
    const last = rows.at(-1);
    if (last === undefined) return absent;
    after = last.id;
  }
}
