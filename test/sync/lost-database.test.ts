/** A database that is lost in ways that leave its connections open. */
import { describe, expect, onTestFinished, vi } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { connectInTest, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';

describe('a failover', () => {
  test('that leaves connections read-only costs no run', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const clinic = people(60);
    const source = scriptedSource(clinic);
    source.onPage(3, async () => {
      const sessions = Array.from(
        { length: 10 },
        () => engine.sql`select set_config('default_transaction_read_only', 'on', false), pg_sleep(0.1)`,
      );
      await Promise.all(sessions);
      return { records: clinic.slice(20, 30), totalEntries: 60, hasNext: true };
    });
    expect(await engine.syncWith(source)).toMatchObject({ status: 'completed', records_processed: 60 });
  });

  test('to a standby is not a place to connect to', async ({ databaseUrl }) => {
    const admin = connectInTest(databaseUrl);
    const [row] = await admin<{ name: string }[]>`select current_database() as name`;
    await admin`alter database ${admin(row?.name ?? '')} set default_transaction_read_only = on`;
    const database = openDatabase(databaseUrl, { max: 2 });
    onTestFinished(() => database.close());
    await expect(database.sql`select 1`).rejects.toMatchObject({ code: 'CONNECTION_DESTROYED' });
    await admin`set default_transaction_read_only = off`;
    await admin`alter database ${admin(row?.name ?? '')} reset default_transaction_read_only`;
    await vi.waitFor(() => database.sql`create table written ()`);
  });
});
