/** Whether a start would wait for another transaction. */
import { describe, expect } from 'vitest';
import { wouldStartWait } from '../../src/sync/locked-organization.ts';
import { connectInTest, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';

describe('a start of a sync', () => {
  test('would wait while another transaction has the stream, except for a running run, whose steps have it for a moment', async ({
    databaseUrl,
  }) => {
    const { sql, ...engine } = await openEngine(databaseUrl);
    const other = connectInTest(databaseUrl);
    const whileLocked = () =>
      other.begin(async (tx) => {
        await tx`select from sync_streams where organization_id = 123 for update`;
        return { waits: await sql.begin((asking) => wouldStartWait(asking, 123)) };
      });
    await engine.start();
    expect(await whileLocked()).toEqual({ waits: false });
    await sql`update sync_logs set status = 'completed'`;
    expect(await whileLocked()).toEqual({ waits: true });
  });

  test('that asks keeps neither the stream nor the organization from another transaction', async ({
    databaseUrl,
  }) => {
    const { sql, ...engine } = await openEngine(databaseUrl);
    const other = connectInTest(databaseUrl);
    await engine.start();
    await sql`update sync_logs set status = 'completed'`;
    await sql.begin(async (tx) => {
      expect(await wouldStartWait(tx, 123)).toBe(false);
      expect(await other`select from sync_streams for update nowait`).toHaveLength(1);
      expect(await other`select from organizations for update nowait`).toHaveLength(1);
    });
  });
});
