import { expect } from 'vitest';
import { clockOf } from '../../../src/sync/schedule/database-clock.ts';
import { connectInTest, test } from '../../support/database.ts';

test.for([undefined, new Date()])(
  'what is due by the clock is found by an index alone: %s',
  async (now, { databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    const plan = await sql.begin(async (tx) => {
      // The table is empty, so PostgreSQL would read it as a whole.
      await tx`set local enable_seqscan = off`;
      return await tx<{ 'QUERY PLAN': string }[]>`
      explain select id from organizations where next_sync_at <= ${clockOf(tx, now)} order by next_sync_at limit 1`;
    });
    const lines = plan.map((row) => row['QUERY PLAN']).join('\n');
    expect(lines).toMatch(/Index Cond: \(next_sync_at <= /);
    expect(lines).not.toContain('Filter');
  },
);
