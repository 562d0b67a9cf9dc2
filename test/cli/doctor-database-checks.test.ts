/** Checks of `npm run doctor` for states of a database that a test cannot give to a whole process. */
import { describe, expect, vi } from 'vitest';
import { checkClock, checkRoom } from '../../src/cli/doctor/database-checks.ts';
import { connectInTest, test } from '../support/database.ts';

describe('the doctor', () => {
  test('warns when the pool needs more sessions than are free', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    expect(await checkRoom(sql, 3)).toMatchObject({
      check: 'connections',
      state: 'ok',
      detail: expect.stringContaining('opens up to 5 sessions'),
    });
    const [row] = await sql<{ most: number }[]>`select current_setting('max_connections')::int as most`;
    expect(await checkRoom(sql, row?.most ?? 0)).toMatchObject({
      check: 'connections',
      state: 'warning',
      detail: expect.stringMatching(/free\. Raise max_connections, or set DATABASE_POOL_MAX lower/),
    });
  });

  test.for([
    [-3_600_000, 'ahead of'],
    [3_600_000, 'behind'],
  ] as const)('warns when its own clock differs by %i ms', async ([ms, words], { databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    expect(await checkClock(sql)).toMatchObject({ check: 'clock', state: 'ok' });
    const { now } = Date;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + ms);
    const finding = await checkClock(sql);
    clock.mockRestore();
    expect(finding).toMatchObject({
      state: 'warning',
      detail: expect.stringMatching(new RegExp(`The clock of the database is (3599|3600|3601) s ${words}`)),
    });
  });
});
