/** The counts that a dashboard reads at each load, for clinics with more patients than it may read for them. */
import { expect } from 'vitest';
import { countToCheck } from '../../src/patients/patients-to-check.ts';
import { countPatients } from '../../src/patients/summary.ts';
import { connectInTest, test } from '../support/database.ts';

const INDEXES = [
  'patients_archived',
  'patients_missing_ids',
  'patients_held',
  'patients_field_warnings',
  'patients_email_warnings',
];

test('counts of patients come from indexes, and agree with the rows', async ({ databaseUrl }) => {
  const sql = connectInTest(databaseUrl);
  // Each of the seven facts at another rhythm, so that they meet.
  await sql`insert into patients (organization_id, cliniko_patient_id, email, archived_at, missing_since, held_since, merged_into,
      raw, content_hash, warnings)
    select 1 + n % 2, n::text, case when n % 5 > 1 then 'a@b.example' end, case when n % 4 > 2 then now() end,
      case when n % 11 = 0 then now() end, case when n % 13 = 0 then now() end, case when n % 17 = 0 then '1' end, '{}', '',
      case when n % 7 = 0 then 2 when n % 3 = 0 then 1 else 0 end
    from generate_series(1, 2000) as n`;
  await sql`vacuum analyze patients`;
  const [expected] = await sql`
    select count(*) filter (where missing_since is null)::int as total,
      count(*) filter (where missing_since is null and archived_at is null)::int as active,
      count(*) filter (where missing_since is null and archived_at is not null)::int as archived,
      count(*) filter (where missing_since is not null)::int as "MISSING",
      count(*) filter (where held_since is not null and missing_since is null)::int as "HELD",
      count(*) filter (where missing_since is null and merged_into is null and (warnings = 2 or warnings = 1 and email is not null))::int
        as "FIELD_WARNING",
      count(*) filter (where missing_since is null and merged_into is null and warnings > 0 and email is null)::int
        as "EMAIL_WARNING"
    from patients where organization_id = 1`;
  const { total, active, archived, ...groups } = expected ?? {};

  await sql.begin(async (tx) => {
    // Of few rows the planner would read all, or another index: whether it can take this one is the question.
    await tx`set local enable_seqscan = off`;
    await tx`drop index patients_missing, patients_changed`;
    const scans = async () => {
      const rows = await tx<{ name: string; scans: number }[]>`
        select name, pg_stat_get_xact_numscans(name::regclass)::int as scans from unnest(${INDEXES}::text[]) as name`;
      return new Map(rows.map((row) => [row.name, row.scans]));
    };
    const before = await scans();
    expect(await countPatients(tx, 1)).toEqual({ total, active, archived, missing: groups.MISSING });
    const found = await countToCheck(tx, 1);
    expect(Object.fromEntries(found.map(({ reason, count }) => [reason, count]))).toEqual(groups);
    const after = await scans();
    for (const name of INDEXES) expect([name, after.get(name) === before.get(name)]).toEqual([name, false]);
  });
});
