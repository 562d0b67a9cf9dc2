/**
 * Patients that Cliniko no longer has. Deletions are never told: they are seen by absence, and absence has to be proven.
 *
 * Only a full run that has proven that it saw the whole clinic may mark whom it did not see, and only a few at a time: when
 * many vanish at once the reason is mostly another one (a wrong account, an answer that was cut off). Then they are held until
 * a person confirms it. Nobody is deleted here, and whoever reappears is back with the next page that shows him.
 *
 * Not here: the proof (sync/completeness.ts), erasing.
 */
import type { ISql } from 'postgres';

/** More than this share, and more than this number, of a clinic does not vanish between two syncs. */
const HELD_ABOVE_SHARE = 0.02;
const HELD_ABOVE = 20;

export interface AbsenceVerdict {
  /** Who was marked. */
  marked: number;
  /** Who waits for a person. */
  held: number;
}

/** Whether so many absent patients may be marked without asking anybody. */
export function mayVanish(absent: number, stored: number, seen: number): boolean {
  // An empty answer never empties a clinic, however small it is.
  return seen > 0 && absent <= Math.max(HELD_ABOVE, stored * HELD_ABOVE_SHARE);
}

/**
 * Who is stored, not known to be missing, and was not seen by this run.
 *
 * @param since the run's start: whoever was stored later was seen by somebody
 * @returns Cliniko ids, and how many are stored and not missing
 */
export async function findAbsent(
  sql: ISql,
  organizationId: number,
  syncLogId: number,
  since: Date,
): Promise<{ absent: string[]; stored: number }> {
  const [row] = await sql<{ absent: string[]; stored: number }[]>`
    with seen as (
      select distinct unnest(cliniko_patient_ids) as id from sync_seen where sync_log_id = ${syncLogId})
    select count(*)::int as stored,
      coalesce(array_agg(cliniko_patient_id) filter (
        where seen.id is null and stored_at < ${since.toISOString()}::timestamptz), '{}') as absent
    from patients left join seen on seen.id = cliniko_patient_id
    where organization_id = ${organizationId} and missing_since is null`;
  return row ?? { absent: [], stored: 0 };
}

/** In the transaction that ends a proven full run. Whom an earlier run held and this one saw is free again already. */
export async function judgeAbsence(
  tx: ISql,
  run: { organizationId: number; syncLogId: number; createdAt: Date; seen: number },
): Promise<AbsenceVerdict> {
  const { organizationId, syncLogId, createdAt, seen } = run;
  const { absent, stored } = await findAbsent(tx, organizationId, syncLogId, createdAt);
  if (absent.length === 0) return { marked: 0, held: 0 };
  if (mayVanish(absent.length, stored, seen)) {
    await tx`update patients set missing_since = now(), held_since = null
      where organization_id = ${organizationId} and cliniko_patient_id = any(${absent}::text[])`;
    return { marked: absent.length, held: 0 };
  }
  await tx`update patients set held_since = coalesce(held_since, now())
    where organization_id = ${organizationId} and cliniko_patient_id = any(${absent}::text[])`;
  return { marked: 0, held: absent.length };
}

/** A person says that those who are held are really gone. @returns how many */
export async function confirmMissing(tx: ISql, organizationId: number): Promise<number> {
  const rows = await tx`update patients set missing_since = held_since, held_since = null
    where organization_id = ${organizationId} and held_since is not null and missing_since is null
    returning id`;
  return rows.length;
}

/** Who waits for a person's word. */
export async function countHeld(
  sql: ISql,
  organizationId: number,
): Promise<{ held: number; since: string | null }> {
  const [row] = await sql<{ held: number; since: string | null }[]>`
    select count(*)::int as held, min(held_since) as since
    from patients where organization_id = ${organizationId} and held_since is not null`;
  return { held: row?.held ?? 0, since: row?.since ?? null };
}
