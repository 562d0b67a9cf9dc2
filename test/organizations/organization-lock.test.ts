/** The exclusive lock of an organization, also of one that is not registered. */
import { describe, expect, vi } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { saveOrganization } from '../../src/organizations/organizations.ts';
import { interruptAndRun, runExclusively } from '../../src/sync/exclusive-transaction.ts';
import { createRun } from '../../src/sync/start-run.ts';
import { connectInTest, test } from '../support/database.ts';

describe('a transaction that holds an organization exclusively', () => {
  test('keeps an unregistered one unregistered until it ends', async ({ databaseUrl, onTestFinished }) => {
    const database = openDatabase(databaseUrl);
    onTestFinished(() => database.close());
    const watcher = connectInTest(databaseUrl);
    const waiting = () => watcher`select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    let registering: Promise<unknown> | undefined;

    await runExclusively(database.sql, 7, async (tx, isRegistered) => {
      expect(isRegistered).toBe(false);
      registering = saveOrganization(database, 7, {});
      await vi.waitFor(async () => expect(await waiting()).toHaveLength(1));
      expect(await tx`select from organizations where id = 7`).toHaveLength(0);
    });
    await registering;
    expect(await watcher`select from organizations where id = 7`).toHaveLength(1);
  });

  test('takes a run from its worker when the batches of the run leave the lock no moment', async ({
    databaseUrl,
    onTestFinished,
  }) => {
    const database = openDatabase(databaseUrl);
    onTestFinished(() => database.close());
    await saveOrganization(database, 7, {});
    await database.sql.begin((tx) => createRun(tx, 7, 'full_patients', {}));
    await database.sql`update sync_runs set owner = 'fast', lease_epoch = 1, fruitless_claims = 1`;
    const worker = connectInTest(databaseUrl);
    let letShare = () => {};
    const sharing = new Promise<void>((resolve) => {
      letShare = resolve;
    });
    // Overlapping batches share the lock without a pause until their run is lost.
    const batches = worker.begin(async (tx) => {
      await tx`select from organizations where id = 7 for key share`;
      letShare();
      await expect.poll(() => tx`select owner from sync_runs`).toEqual([{ owner: null }]);
    });
    await sharing;

    await interruptAndRun(
      database.sql,
      7,
      (tx) => tx`update organizations set name = 'Changed' where id = 7`,
    );
    await batches;
    expect(await database.sql`select lease_epoch, fruitless_claims from sync_runs`).toEqual([
      { lease_epoch: 2, fruitless_claims: 0 },
    ]);
  });
});
