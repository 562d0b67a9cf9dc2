/** The rows behind `GET /sync/active` and `GET /sync/history`. */
import { describe, expect } from 'vitest';
import { readActiveRuns, readCountInCliniko, readRunTotals } from '../../src/legacy/read-runs.ts';
import { connectInTest, test } from '../support/database.ts';

describe('the active runs of a server without row-level security', () => {
  test('contain the run of the only organization of a token, behind more than 1,000 of others', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at, metadata)
      select id, 'full_patients', 'running', now() at time zone 'utc', '{}' from generate_series(1, 1500) as id`;
    expect(await readActiveRuns(sql, new Set([1_400]))).toMatchObject([
      { organization_id: 1_400, status: 'running' },
    ]);
    expect(await readActiveRuns(sql, new Set())).toEqual([]);
    expect(await readActiveRuns(sql, '*')).toHaveLength(1_000);
  });

  test('take as many statements for 1,000 organizations as for one', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      select id, 'full_patients', 'running', now() at time zone 'utc' from generate_series(1, 1000) as id`;
    let calls = 0;
    const counted = new Proxy(sql, {
      apply(target, self, parts) {
        calls += 1;
        return Reflect.apply(target, self, parts);
      },
    });
    const callsFor = async (organizations: Set<number>) => {
      calls = 0;
      expect(await readActiveRuns(counted, organizations)).toHaveLength(organizations.size);
      return calls;
    };
    const all = new Set(Array.from({ length: 1_000 }, (_, index) => index + 1));
    expect(await callsFor(all)).toBe(await callsFor(new Set([1])));
  });
});

describe('the average duration of runs', () => {
  test('ignores rows of another program that end before they start', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
      values (123, 'a', 'completed', '2026-11-23 21:00:00', '2026-11-23 10:00:30')`;
    expect(await readRunTotals(sql, 123)).toMatchObject({ successful: 1, averageSeconds: 0 });
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
      values (123, 'b', 'completed', '2026-11-23 10:00:00', '2026-11-23 10:00:30')`;
    expect(await readRunTotals(sql, 123)).toMatchObject({ successful: 2, averageSeconds: 30 });
  });
});

describe('the number of patients in Cliniko', () => {
  test('is that of the newest full run; without one, the most that a newest run found', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    const add = (type: string, found: string, at: string) => sql`
      insert into sync_logs (organization_id, operation_type, status, started_at, metadata)
      values (123, ${type}, 'completed', ${at}, ${`{"patients_found": ${found}}`}::text::jsonb)`;
    expect(await readCountInCliniko(sql, 123)).toBe(0);
    for (const found of ['-1e300', '"648"', 'null', '[]']) await add('patient_sync', found, '2026-11-01');
    expect(await readCountInCliniko(sql, 123)).toBe(0);
    await add('changed_patients', '648', '2026-11-02');
    await add('changed_patients', '3', '2026-11-03');
    expect(await readCountInCliniko(sql, 123)).toBe(648);
    await add('full_patients', '650', '2026-11-04');
    await add('full_patients', '649', '2026-11-05');
    await add('full_patients', '0', '2026-11-06');
    await add('active_patients', '700', '2026-11-07');
    expect(await readCountInCliniko(sql, 123)).toBe(649);
    await add('full_patients', '1e400', '2026-11-08');
    expect(await readCountInCliniko(sql, 123)).toBe(2_147_483_647);
    // The organization was deleted: another one has its id.
    await sql`update sync_streams set erased_at = '2026-11-09Z' where organization_id = 123`;
    expect(await readCountInCliniko(sql, 123)).toBe(0);
    await add('changed_patients', '20', '2026-11-10');
    expect(await readCountInCliniko(sql, 123)).toBe(20);
  });
});
