import { expect } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { createReadinessCheck } from '../../src/server/health-routes.ts';
import { test } from '../support/database.ts';

test('requests for the readiness, which need no token, share the reads of the database', async ({
  databaseUrl,
  onTestFinished,
}) => {
  const database = openDatabase(databaseUrl);
  onTestFinished(() => database.close());
  let answer = (): void => {};
  const answered = new Promise<readonly string[]>((resolve) => {
    answer = () => resolve([]);
  });
  let reads = 0;
  const check = createReadinessCheck(
    database,
    createMemoryBus(),
    () => false,
    'role',
    () => {
      reads += 1;
      return answered;
    },
  );
  const asked = Array.from({ length: 50 }, () => check());
  await expect.poll(() => reads).toBeGreaterThan(0);
  answer();

  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(50).fill('ready'));
  // The one that was under way, and one for all who asked during it.
  expect(reads).toBe(2);
});
