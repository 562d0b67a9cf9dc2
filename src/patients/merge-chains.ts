/** Finds the survivor of each chain of merged patients. */
import type { ISql } from 'postgres';
import { portions, ROWS_AT_ONCE } from '../database/portions.ts';

/**
 * Points each merged patient at the survivor: after A into B and B into C, A points at C.
 *
 * Cliniko names only the next patient, and a page may show A long before B, so a run does this after it has seen all pages. The
 * next patient is read from the record: `merged_into` is already the end of the chain, as it was at an earlier run. A patient
 * that leads into a loop, which Cliniko should not have, has no survivor, and points at the next one. Chains are followed in
 * memory, because the time of a recursive statement grows with the number of merged patients.
 *
 * Call it in a transaction that holds the organization exclusively.
 */
export async function resolveMergeChains(tx: ISql, organizationId: number): Promise<void> {
  const merged = await readMerged(tx, organizationId);
  const wrong = [...survivorsOf(merged)].filter(([id, survivor]) => merged.get(id)?.into !== survivor);
  for (const part of portions(wrong)) {
    const ids = part.map(([id]) => id);
    const survivors = part.map(([, survivor]) => survivor);
    await tx`
      update patients set merged_into = survivor.target
      from unnest(${ids}::text[], ${survivors}::text[]) as survivor (id, target)
      where organization_id = ${organizationId} and cliniko_patient_id = survivor.id`;
  }
}

interface MergedPatient {
  /** The stored `merged_into`. */
  into: string;
  /** The patient that the record names. */
  next: string;
}

/** The merged patients, in the order of ids. A row of another program may have a record without a link. */
async function readMerged(tx: ISql, organizationId: number): Promise<Map<string, MergedPatient>> {
  const merged = new Map<string, MergedPatient>();
  for (let after = ''; ; ) {
    // The records of a portion only: the limit comes before the link is read.
    const rows = await tx<({ id: string } & MergedPatient)[]>`
      select id, merged_into as into, coalesce(
        substring(raw #>> '{merged_with_patient,links,self}' from '/([0-9]{1,19})/?(?:[?].*)?$'), merged_into) as next
      from (
        select cliniko_patient_id as id, merged_into, raw from patients
        where organization_id = ${organizationId} and merged_into is not null and cliniko_patient_id > ${after}
        order by cliniko_patient_id limit ${ROWS_AT_ONCE}
      ) as portion
      order by id`;
    for (const { id, into, next } of rows) merged.set(id, { into, next });
    const last = rows.at(-1);
    if (last === undefined) return merged;
    after = last.id;
  }
}

/** Where each merged patient has to point: at the end of its chain, or at the next patient if it leads into a loop. */
function survivorsOf(merged: ReadonlyMap<string, MergedPatient>): Map<string, string> {
  /** Undefined: a loop. */
  const ends = new Map<string, string | undefined>();
  for (const id of merged.keys()) {
    const path = new Set<string>();
    let last = id;
    for (
      let next = nextOf(last);
      next !== undefined && !path.has(last) && !ends.has(last);
      next = nextOf(last)
    ) {
      path.add(last);
      last = next;
    }
    const known = ends.has(last) ? ends.get(last) : last;
    for (const one of path) ends.set(one, path.has(last) ? undefined : known);
  }
  return new Map([...merged].map(([id, { next }]) => [id, ends.get(id) ?? next]));

  function nextOf(id: string): string | undefined {
    return merged.get(id)?.next;
  }
}
