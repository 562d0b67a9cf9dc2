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

/** What a run has found out about those whom it did not see. */
export interface Absence {
  /** Cliniko ids. */
  absent: readonly string[];
  /** Patients who are stored and not known to be missing, the absent ones included. */
  stored: number;
}

export interface AbsenceVerdict {
  /** Who was marked. */
  marked: number;
  /** Who waits for a person. */
  held: number;
}

/** Ids that a run has met. */
export interface MetIds {
  has(id: string): boolean;
}

/** Whether those may be marked without asking anybody. */
export function mayVanish({ absent, stored }: Absence): boolean {
  // An empty answer never empties a clinic, however small it is.
  return absent.length < stored && absent.length <= Math.max(HELD_ABOVE, stored * HELD_ABOVE_SHARE);
}

const READ_AT_ONCE = 5_000;

/**
 * Who is stored, not known to be missing, and was not seen.
 *
 * Compared here and not by a join: right after a first sync PostgreSQL knows nothing about the size of what it would join.
 *
 * @param since the run's start: whoever was stored later was seen by somebody
 */
export async function findAbsent(
  sql: ISql,
  organizationId: number,
  seen: MetIds,
  since: Date,
): Promise<Absence> {
  const absent: string[] = [];
  let stored = 0;
  const rows = sql<{ id: string; is_old: boolean }[]>`
    select cliniko_patient_id as id, stored_at < ${since.toISOString()}::timestamptz as is_old
    from patients where organization_id = ${organizationId} and missing_since is null`;
  // Nothing is awaited in between: postgres.js would take a connection that is lost meanwhile for the end.
  await rows.cursor(READ_AT_ONCE, (part) => {
    stored += part.length;
    for (const { id, is_old } of part) if (is_old && !seen.has(id)) absent.push(id);
  });
  return { absent, stored };
}

/** In the transaction that ends a proven full run. Whoever was stored since the run began is not touched. */
export async function judgeAbsence(
  tx: ISql,
  organizationId: number,
  absence: Absence,
  since: Date,
): Promise<AbsenceVerdict> {
  if (absence.absent.length === 0) return { marked: 0, held: 0 };
  const who = tx`organization_id = ${organizationId} and cliniko_patient_id = any(${absence.absent as string[]}::text[])
    and missing_since is null and stored_at < ${since.toISOString()}::timestamptz`;
  if (mayVanish(absence)) {
    const { count } = await tx`update patients set missing_since = now(), held_since = null where ${who}`;
    return { marked: count, held: 0 };
  }
  // Who is held already since an earlier run is not written again.
  await tx`update patients set held_since = now() where ${who} and held_since is null`;
  const [row] = await tx<{ held: number }[]>`select count(*)::int as held from patients where ${who}`;
  return { marked: 0, held: row?.held ?? 0 };
}

/** A person says that those who are held are really gone. @returns how many */
export async function confirmMissing(tx: ISql, organizationId: number): Promise<number> {
  const rows = await tx`update patients set missing_since = held_since, held_since = null
    where organization_id = ${organizationId} and held_since is not null and missing_since is null
    returning id`;
  return rows.length;
}

export interface Held {
  held: number;
  since: string | null;
  /** Cliniko ids, at most `HELD_SHOWN`. */
  ids: string[];
}

/** Enough to see whether they are really gone. */
const HELD_SHOWN = 100;

/** Who waits for a person's word. */
export async function readHeld(sql: ISql, organizationId: number): Promise<Held> {
  const [row] = await sql<Held[]>`
    select count(*)::int as held, min(held_since) as since,
      coalesce((array_agg(cliniko_patient_id order by id))[1:${HELD_SHOWN}::int], '{}') as ids
    from patients where organization_id = ${organizationId} and held_since is not null`;
  return row ?? { held: 0, since: null, ids: [] };
}
