/**
 * Counts of an organization's patients, for the totals of a dashboard. Missing patients are counted separately. Each count comes from
 * an index alone (table.ts): a row with its record is some kilobytes, and a dashboard counts at each load.
 */
import type { ISql } from 'postgres';

export interface PatientCounts {
  total: number;
  active: number;
  archived: number;
  missing: number;
}

export async function countPatients(sql: ISql, organizationId: number): Promise<PatientCounts> {
  const [counts] = await sql<{ stored: number; archived: number; missing: number }[]>`
    select
      (select count(*)::int from patients where organization_id = ${organizationId}) as stored,
      (select count(*)::int from patients
        where organization_id = ${organizationId} and archived_at is not null and missing_since is null) as archived,
      (select count(*)::int from patients
        where organization_id = ${organizationId} and missing_since is not null) as missing`;
  const { stored, archived, missing } = counts ?? { stored: 0, archived: 0, missing: 0 };
  const total = stored - missing;
  return { total, active: total - archived, archived, missing };
}
