/** Counts of an organization's patients, for the totals of a dashboard. Missing patients are counted separately. */
import type { Sql } from 'postgres';

export interface PatientCounts {
  total: number;
  active: number;
  archived: number;
  missing: number;
}

export async function countPatients(sql: Sql, organizationId: number): Promise<PatientCounts> {
  const [counts] = await sql<PatientCounts[]>`
    select (count(*) filter (where missing_since is null))::int as total,
      (count(*) filter (where missing_since is null and archived_at is null))::int as active,
      (count(*) filter (where missing_since is null and archived_at is not null))::int as archived,
      (count(*) filter (where missing_since is not null))::int as missing
    from patients where organization_id = ${organizationId}`;
  return counts ?? { total: 0, active: 0, archived: 0, missing: 0 };
}
