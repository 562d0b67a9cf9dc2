/** A failover to a standby that lacks the newest commits: a run continues from the state that the database holds. */
import type { Sql } from 'postgres';
import { describe, expect } from 'vitest';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';

describe('a standby that takes over without the newest commits', () => {
  test('gets the batches that it lacks, and each patient counts once', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const { sql } = engine;
    const source = scriptedSource(people(100));
    const stored = async () => (await engine.latest()).records_processed;
    let loseNewest: (() => Promise<void>) | undefined;
    source.onPage(4, async (query, options) => {
      await expect.poll(stored).toBe(30);
      loseNewest = await rememberRun(sql);
      return await source.page(query, options);
    });
    source.onPage(7, async (query, options) => {
      await expect.poll(stored).toBe(60);
      await loseNewest?.();
      expect(await engine.countPatients()).toBe(30);
      return await source.page(query, options);
    });
    const log = await engine.syncWith(source);
    expect(log).toMatchObject({
      status: 'completed',
      records_success: 100,
      metadata: { inserted: 100, attempt: 2, proof: { proven: true, seen: 100 } },
    });
    expect(await engine.countPatients()).toBe(100);
  });
});

/** @returns a function that sets the rows of the run, and its patients, back to now */
async function rememberRun(sql: Sql): Promise<() => Promise<void>> {
  await sql`create table old_patients as select id from patients`;
  await sql`create table old_runs as select * from sync_runs`;
  await sql`create table old_logs as select * from sync_logs`;
  await sql`create table old_seen as select * from sync_seen`;
  return async () => {
    await sql.begin(async (tx) => {
      await tx`update sync_runs as run set checkpoint = old.checkpoint from old_runs as old
        where old.sync_log_id = run.sync_log_id`;
      await tx`update sync_logs as log set metadata = old.metadata, records_processed = old.records_processed,
        records_success = old.records_success, records_failed = old.records_failed from old_logs as old where old.id = log.id`;
      await tx`delete from patients where id not in (select id from old_patients)`;
      await tx`delete from sync_seen`;
      await tx`insert into sync_seen select * from old_seen`;
    });
  };
}
