/** Patients that Cliniko has merged into others, and where such a chain ends. */
import type { ISql } from 'postgres';
import { portions } from '../database/portions.ts';

/** Nobody merges one person more often; and a loop, which Cliniko should not have, comes to an end. */
const STEPS_AT_MOST = 32;

/**
 * Points everybody who was merged at the one who survived: of A into B and B into C, A points at C too.
 *
 * Cliniko names only the next one, and a page may show A long before B. So it is done when a run has seen them all. In a
 * loop there is no survivor: everybody keeps pointing at somebody in it.
 */
export async function pointAtSurvivors(tx: ISql, organizationId: number): Promise<void> {
  const wrong = await tx<{ id: string; target: string }[]>`
    with recursive chain as (
      select cliniko_patient_id as id, merged_into as target, 1 as step, array[cliniko_patient_id] as met
      from patients where organization_id = ${organizationId} and merged_into is not null
      union all
      select chain.id, next.merged_into, chain.step + 1, chain.met || chain.target
      from chain join patients as next
        on next.organization_id = ${organizationId} and next.cliniko_patient_id = chain.target
      where next.merged_into is not null and next.merged_into <> all(chain.met)
        and chain.step < ${STEPS_AT_MOST}
    ), survivor as (
      select distinct on (id) id, target from chain order by id, step desc
    )
    select survivor.id, survivor.target from survivor join patients
      on organization_id = ${organizationId} and cliniko_patient_id = survivor.id
    where merged_into <> survivor.target
    order by survivor.id`;
  for (const portion of portions(wrong)) {
    await tx`
      update patients set merged_into = survivor.target
      from unnest(${portion.map(({ id }) => id)}::text[], ${portion.map(({ target }) => target)}::text[])
        as survivor (id, target)
      where organization_id = ${organizationId} and cliniko_patient_id = survivor.id`;
  }
}
