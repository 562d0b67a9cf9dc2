/** Patients that Cliniko has merged into others, and where such a chain ends. */
import type { ISql } from 'postgres';
import { portions, ROWS_AT_ONCE } from '../database/portions.ts';

/** Nobody merges one person more often; and a loop, which Cliniko should not have, comes to an end. */
const MAX_STEPS = 32;

/**
 * Points everybody who was merged at the one who survived: of A into B and B into C, A points at C too.
 *
 * Cliniko names only the next one, and a page may show A long before B. So it is done when a run has seen them all. In a
 * loop there is no survivor: everybody keeps pointing at somebody in it. Chains are followed here, not by a recursive statement:
 * that would take as long as the clinic has merged patients.
 *
 * In a transaction that holds the organization alone.
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

/** Of each merged patient the one it points at, in the order of ids. */
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
  for (let next = targets.get(id); next !== undefined && !met.has(next); next = targets.get(next)) {
    met.add(survivor);
    // Back at the beginning of a loop.
    if (met.has(next) || met.size > MAX_STEPS) break;
    survivor = next;
  }
  return survivor;
}
