/** What the driver keeps of a query that has been answered (patches/README.md). */
import { getHeapSpaceStatistics } from 'node:v8';
import { expect } from 'vitest';
import { connectInTest, test } from '../support/database.ts';

const QUERIES = 3_000;
/** Unpatched, about 20 kB of each query survive. */
const MOST_BYTES_KEPT = 10_000_000;

const bytesInOldSpace = () =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0;

test('the rows of answered queries do not survive in the heap', async ({ databaseUrl }) => {
  const sql = connectInTest(databaseUrl);
  const ask = () => sql`select n, md5(n::text) as text, true as flag from generate_series(1, ${100}::int) n`;
  let before = bytesInOldSpace();
  let kept = 0;
  for (let query = 0; query < QUERIES; query++) {
    await ask();
    const now = bytesInOldSpace();
    // A full collection in between makes it smaller.
    kept += Math.max(0, now - before);
    before = now;
  }
  expect(kept).toBeLessThan(MOST_BYTES_KEPT);
});
