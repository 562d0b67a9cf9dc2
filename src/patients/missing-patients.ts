/**
 * Patients that Cliniko no longer has. Deletions are never told: they are seen by absence, and absence has to be proven.
 *
 * Only a full run that has proven that it saw the whole clinic may mark whom it did not see, and only a few at a time: when
 * many vanish at once the reason is mostly another one (a wrong account, an answer that was cut off). Then they are held until
 * a person confirms it. Nobody is deleted here, and whoever reappears is back with the next page that shows him.
 *
 * Not here: the proof (sync/read/completeness.ts), erasing.
 */
import type { ISql, PendingQuery, Row } from 'postgres';
import { portions, ROWS_AT_ONCE } from '../database/portions.ts';

/** More than this share, and more than this number, of a clinic does not vanish between two syncs. */
const HELD_ABOVE_SHARE = 0.02;
const HELD_ABOVE = 20;

/** Stored patients whom a run did not see. */
export interface UnseenPatients {
  /** Cliniko ids. */
  ids: readonly string[];
  /** Patients who are stored and not known to be missing, the unseen ones included. */
  stored: number;
}

export interface MissingDecision {
  /** Who was marked. */
  marked: number;
  /** Who waits for a person. */
  held: number;
}

/** Ids that a run has seen. */
export interface SeenPatients {
  has(id: string): boolean;
}

/** Whether those may be marked without asking anybody. */
export function canMarkMissing({ ids, stored }: UnseenPatients): boolean {
  // An empty answer never empties a clinic, however small it is.
  return ids.length < stored && ids.length <= Math.max(HELD_ABOVE, stored * HELD_ABOVE_SHARE);
}

/**
 * Who is stored, not known to be missing, and was not seen.
 *
 * Compared here and not by a join: right after a first sync PostgreSQL knows nothing about the size of what it would join. In
 * portions and not by a cursor, whose whole reading counts against a limit for the time of a statement.
 *
 * @param since the run's start: whoever was stored later was seen by somebody
 */
export async function findUnseen(
  sql: ISql,
  organizationId: number,
  seen: SeenPatients,
  since: Date,
): Promise<UnseenPatients> {
  const ids: string[] = [];
  let stored = 0;
  for (let after = ''; ; ) {
    const rows = await sql<{ id: string; is_missing: boolean; is_old: boolean }[]>`
      select cliniko_patient_id as id, missing_since is not null as is_missing,
        stored_at < ${since.toISOString()}::timestamptz as is_old
      from patients where organization_id = ${organizationId} and cliniko_patient_id > ${after}
      order by cliniko_patient_id limit ${ROWS_AT_ONCE}`;
    const last = rows.at(-1);
    if (last === undefined) return { ids, stored };
    for (const { id, is_missing, is_old } of rows) {
      if (is_missing) continue;
      stored += 1;
      if (is_old && !seen.has(id)) ids.push(id);
    }
    after = last.id;
  }
}

/** In the transaction that ends a proven full run. Whoever was stored since the run began is not touched. */
export async function markMissingOrHold(
  tx: ISql,
  organizationId: number,
  unseen: UnseenPatients,
  since: Date,
): Promise<MissingDecision> {
  const marks = canMarkMissing(unseen);
  let changed = 0;
  for (const ids of portions([...unseen.ids].sort())) {
    const who = tx`organization_id = ${organizationId} and cliniko_patient_id = any(${ids}::text[])
      and missing_since is null and stored_at < ${since.toISOString()}::timestamptz`;
    changed += await (marks ? markPortion(tx, who) : holdPortion(tx, who));
  }
  return marks ? { marked: changed, held: 0 } : { marked: 0, held: changed };
}

type Fragment = PendingQuery<Row[]>;

async function markPortion(tx: ISql, who: Fragment): Promise<number> {
  const { count } = await tx`update patients set missing_since = now(), held_since = null where ${who}`;
  return count;
}

/** Who is held already since an earlier run is counted, and not written again. */
async function holdPortion(tx: ISql, who: Fragment): Promise<number> {
  const [row] = await tx<{ held: number }[]>`select count(*)::int as held from patients where ${who}`;
  await tx`update patients set held_since = now() where ${who} and held_since is null`;
  return row?.held ?? 0;
}

/**
 * A person says that those who are held are really gone. They count as missing from now on: the purge counts its days from
 * the moment of the confirmation.
 *
 * In a transaction that holds the organization alone. @returns how many
 */
export async function confirmMissing(tx: ISql, organizationId: number): Promise<number> {
  let confirmed = 0;
  for (let after = ''; ; ) {
    const rows = await tx<{ id: string }[]>`
      select cliniko_patient_id as id from patients
      where organization_id = ${organizationId} and cliniko_patient_id > ${after}
        and held_since is not null and missing_since is null
      order by cliniko_patient_id limit ${ROWS_AT_ONCE}`;
    const last = rows.at(-1);
    if (last === undefined) return confirmed;
    const { count } = await tx`update patients set missing_since = now(), held_since = null
      where organization_id = ${organizationId}
        and cliniko_patient_id = any(${rows.map((row) => row.id)}::text[])`;
    confirmed += count;
    after = last.id;
  }
}

export interface PendingMissing {
  held: number;
  since: string | null;
  /** Cliniko ids, at most `HELD_SHOWN`. */
  ids: string[];
}

/** Enough to see whether they are really gone. */
const MAX_LISTED_IDS = 100;

/** Who waits for a person's word. */
export async function readPendingMissing(sql: ISql, organizationId: number): Promise<PendingMissing> {
  const [row] = await sql<PendingMissing[]>`
    select count(*)::int as held, min(held_since) as since,
      coalesce((array_agg(cliniko_patient_id order by id))[1:${MAX_LISTED_IDS}::int], '{}') as ids
    from patients where organization_id = ${organizationId} and held_since is not null`;
  return row ?? { held: 0, since: null, ids: [] };
}
