/** Finds the survivor of each chain of merged patients. */
import type { ISql } from 'postgres';
import { portions, ROWS_AT_ONCE } from '../database/portions.ts';

/** No real chain is longer; a loop, which Cliniko should not have, ends here. */
const MAX_STEPS = 32;

/**
 * Points each merged patient at the survivor: after A into B and B into C, A points at C.
 *
 * Cliniko names only the next patient, and a page may show A long before B, so a run does this after it has seen all pages.
 * A loop has no survivor: its patients keep pointing at another patient of the loop. Chains are followed in memory, because
 * the time of a recursive statement grows with the number of merged patients.
 *
 * Call it in a transaction that holds the organization exclusively.
 */
export async function resolveMergeChains(tx: ISql, organizationId: number): Promise<void> {
  const targets = await readTargets(tx, organizationId);
  const wrong = [...targets.keys()].filter((id) => survivorOf(id, targets) !== targets.get(id));
  for (const ids of portions(wrong)) {
    const survivors = ids.map((id) => survivorOf(id, targets));
    await tx`
      update patients set merged_into = survivor.target
      from unnest(${ids}::text[], ${survivors}::text[]) as survivor (id, target)
      where organization_id = ${organizationId} and cliniko_patient_id = survivor.id`;
  }
}

/** The patient that each merged patient points at, in the order of ids. */
async function readTargets(tx: ISql, organizationId: number): Promise<Map<string, string>> {
  const targets = new Map<string, string>();
  for (let after = ''; ; ) {
    const rows = await tx<{ id: string; target: string }[]>`
      select cliniko_patient_id as id, merged_into as target from patients
      where organization_id = ${organizationId} and merged_into is not null and cliniko_patient_id > ${after}
      order by cliniko_patient_id limit ${ROWS_AT_ONCE}`;
    for (const { id, target } of rows) targets.set(id, target);
    const last = rows.at(-1);
    if (last === undefined) return targets;
    after = last.id;
  }
}

function survivorOf(id: string, targets: ReadonlyMap<string, string>): string {
  const met = new Set<string>();
  let survivor = id;
  for (let next = targets.get(id); next !== undefined; next = targets.get(next)) {
    met.add(survivor);
    // A loop: any other target would be another one at each run.
    if (met.has(next)) return targets.get(id) ?? id;
    if (met.size > MAX_STEPS) break;
    survivor = next;
  }
  return survivor;
}
