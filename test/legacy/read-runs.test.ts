/** The rows behind `GET /sync/active` and `GET /sync/history`. */
import { describe, expect } from 'vitest';
import { readActiveRuns, readRunTotals } from '../../src/legacy/read-runs.ts';
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
