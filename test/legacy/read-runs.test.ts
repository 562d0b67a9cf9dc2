/** The rows behind `GET /sync/active`. */
import { describe, expect } from 'vitest';
import { readActiveRuns } from '../../src/legacy/read-runs.ts';
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
