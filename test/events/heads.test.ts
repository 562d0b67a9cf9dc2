/** Reads of the heads that changed: exact for transactions that overlap, whatever their order. */
import { expect, vi } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { readHeads } from '../../src/events/heads.ts';
import { readChangeHeads } from '../../src/patients/change-log.ts';
import { test } from '../support/database.ts';
import { WAIT_LIMIT_MS } from '../support/wait-limit.ts';

test('the heads since a horizon are those of every transaction that had not ended at it', async ({
  databaseUrl,
}) => {
  const { sql, close } = openDatabase(databaseUrl, { max: 3 });
  const insert = (tx: typeof sql, id: number) =>
    tx`insert into sync_logs (organization_id, operation_type, status, started_at) values (${id}, 'x', 'failed', now())`;
  const changed = async (since?: string) => {
    const heads = await readHeads(sql, since);
    return {
      horizon: heads.horizon,
      ids: heads.positions.map(({ organizationId }) => organizationId).sort(),
    };
  };
  for (const id of [1, 2, 3]) await insert(sql, id);
  expect((await changed()).ids).toEqual([1, 2, 3]);
  // A transaction in another database of the cluster that is older than the rows keeps the horizon below them.
  const nothing = await vi.waitFor(async () => {
    const found = await changed((await changed()).horizon);
    expect(found.ids).toEqual([]);
    return found;
  }, WAIT_LIMIT_MS);

  // It begins first and commits last, with a change in a savepoint.
  let overlapped = nothing;
  await sql.begin(async (tx) => {
    await tx`insert into sync_logs (organization_id, operation_type, status, started_at) values (1, 'x', 'failed', now())`;
    await tx.savepoint(async (inner) => {
      await inner`insert into sync_logs (organization_id, operation_type, status, started_at) values (4, 'x', 'failed', now())`;
    });
    await insert(sql, 2);
    overlapped = await changed(nothing.horizon);
    expect(overlapped.ids).toEqual([2]);
  });
  const late = await changed(overlapped.horizon);
  expect(late.ids).toEqual(expect.arrayContaining([1, 4]));
  await expect.poll(async () => (await changed((await changed()).horizon)).ids).toEqual([]);
  await close();
});

test('the heads are those of a database that has flushed more than before', async ({ databaseUrl }) => {
  const { sql, close } = openDatabase(databaseUrl, { max: 1 });
  const reads = [() => readHeads(sql), () => readChangeHeads(sql, [])];
  for (const read of reads) {
    const { flushed } = await read();
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at) values (1, 'x', 'failed', now())`;
    // The cluster of the tests flushes a moment after the commit.
    await expect.poll(async () => (await read()).flushed).toBeGreaterThan(flushed);
  }
  await close();
});
