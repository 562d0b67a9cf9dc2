/** The exclusive lock of an organization, also of one that is not registered. */
import { describe, expect, vi } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { saveOrganization } from '../../src/organizations/organizations.ts';
import { runExclusively } from '../../src/sync/exclusive-transaction.ts';
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
});
