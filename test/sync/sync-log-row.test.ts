import type { ISql, Sql } from 'postgres';
import { describe, expect, vi } from 'vitest';
import { claimNextRun, type Lease } from '../../src/sync/lease.ts';
import { runningMetadata } from '../../src/sync/metadata.ts';
import { INITIAL_STATE } from '../../src/sync/run-state.ts';
import { endRunRow, isRefused, publishProgress, recordBatch } from '../../src/sync/sync-log-row.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { STORING } from '../support/progress-display.ts';

const STATE = {
  ...INITIAL_STATE,
  found: 100,
  processed: 50,
  succeeded: 50,
  unchanged: 50,
  databaseOperations: 1,
};

const METADATA = runningMetadata(STATE, STORING);

const BATCH = {
  before: INITIAL_STATE,
  state: STATE,
  metadata: METADATA,
  moved: true,
  newKeys: ['7', '8'],
  stored: ['7', '8'],
  rejected: [],
};

/** A run that a worker has claimed, and a patient in quarantine. */
async function openRunOf(databaseUrl: string) {
  const engine = await openEngine(databaseUrl);
  await engine.start();
  const claimed = await claimNextRun(engine.database, 'one');
  if (claimed === undefined) throw new Error('There is nothing to claim.');
  await engine.sql`insert into quarantine (organization_id, record_key, cliniko_patient_id, reason, sealed_raw)
    values (123, '7', '7', 'INVALID_PHONE', 'sealed')`;
  return { ...engine, lease: claimed.lease };
}

/** All rows that a batch may write, with the transaction that wrote them last. */
async function everyRow(sql: ISql): Promise<unknown[]> {
  const tables = ['sync_logs', 'sync_runs', 'sync_seen', 'quarantine', 'sync_events', 'sync_streams'];
  const rows = await Promise.all(tables.map((table) => sql`select xmin, ctid, * from ${sql(table)}`));
  return rows.map((rows) => [...rows]);
}

/** Records a batch while another session locks its rows. @returns when that session has committed; the batch may still be running */
async function writeBehind(sql: Sql, lease: Lease, hold: (tx: ISql) => Promise<void>) {
  return await sql.begin(async (tx) => {
    await hold(tx);
    const [holder] = await tx`select pg_backend_pid() as pid`;
    const recorded = recordBatch(sql, lease, BATCH);
    recorded.catch(() => {});
    await expect
      .poll(() => sql`select from pg_stat_activity where ${holder?.pid} = any(pg_blocking_pids(pid))`)
      .toHaveLength(1);
    // Wrapped in an object: otherwise the transaction would wait for a promise that waits for its end.
    return { recorded };
  });
}

describe('the record of a batch', () => {
  test('is written completely when the worker holds the lease', async ({ databaseUrl }) => {
    const { database, sql, lease, latest } = await openRunOf(databaseUrl);
    await sql`update sync_runs set lease_expires_at = now()`;
    await recordBatch(sql, lease, BATCH);
    expect(await latest()).toMatchObject({ records_processed: 50, metadata: { unchanged: 50 } });
    // The renewal of all leases leaves out a run whose batches have its row locked each time.
    expect(await sql`select from sync_runs where lease_expires_at > now()`).toHaveLength(1);
    expect(await sql`select checkpoint->'processed' as processed from sync_runs`).toEqual([
      { processed: 50 },
    ]);
    expect(await sql`select cliniko_patient_ids as ids from sync_seen`).toEqual([{ ids: ['7', '8'] }]);
    expect(await sql`select from quarantine`).toHaveLength(0);
    await publishProgress(database, lease, STATE, { ...METADATA, phase: 'finishing' });
    expect((await latest()).metadata.phase).toBe('finishing');
  });

  test.for<[string, (lease: Lease) => Lease]>([
    ['an older epoch', (lease) => ({ ...lease, epoch: lease.epoch - 1 })],
    ['another name', (lease) => ({ ...lease, owner: 'two' })],
  ])('is not written to any table by a worker with %s', async ([, other], { databaseUrl }) => {
    const { database, sql, lease } = await openRunOf(databaseUrl);
    const before = await everyRow(sql);
    await expect(recordBatch(sql, other(lease), BATCH)).rejects.toSatisfy(isRefused);
    await expect(publishProgress(database, other(lease), STATE, METADATA)).rejects.toThrow(
      'no longer leased',
    );
    expect(await everyRow(sql)).toEqual(before);
  });

  test('is not written to any table when another program has ended the run', async ({ databaseUrl }) => {
    const { database, sql, lease } = await openRunOf(databaseUrl);
    await sql`update sync_logs set status = 'failed'`;
    const before = await everyRow(sql);
    await expect(recordBatch(sql, lease, BATCH)).rejects.toSatisfy(isRefused);
    await expect(publishProgress(database, lease, STATE, METADATA)).rejects.toThrow(
      'ended by another program',
    );
    expect(await everyRow(sql)).toEqual(before);
  });

  test('is not completed when another program has ended the run', async ({ databaseUrl }) => {
    const { database, sql, lease } = await openRunOf(databaseUrl);
    await sql`update sync_logs set status = 'failed'`;
    const before = await everyRow(sql);
    const decide = vi.fn();
    await expect(endRunRow(database, lease, STATE, decide)).rejects.toThrow('ended by another program');
    expect(decide).not.toHaveBeenCalled();
    expect(await everyRow(sql)).toEqual(before);
  });

  test('is not written to any table when the database lacks the batch before it, and the run stays open', async ({
    databaseUrl,
  }) => {
    const { database, sql, lease } = await openRunOf(databaseUrl);
    const before = await everyRow(sql);
    await expect(recordBatch(sql, lease, { ...BATCH, before: STATE })).rejects.toSatisfy(isRefused);
    await expect(publishProgress(database, lease, STATE, METADATA)).rejects.toThrow('another state');
    const decide = vi.fn();
    await expect(endRunRow(database, lease, STATE, decide)).rejects.toThrow('another state');
    expect(decide).not.toHaveBeenCalled();
    expect(await everyRow(sql)).toEqual(before);
  });

  test('waits for a session that takes the run, and is not written then', async ({ databaseUrl }) => {
    const { sql, lease } = await openRunOf(databaseUrl);
    const writing = await writeBehind(sql, lease, async (tx) => {
      await tx`update sync_runs set lease_epoch = lease_epoch + 1, owner = 'two'`;
    });
    await expect(writing.recorded).rejects.toThrow('no longer leased');
    expect(await sql`select from sync_seen`).toHaveLength(0);
    expect(await sql`select from quarantine`).toHaveLength(1);
  });

  test('waits for a session that only updates the run and its row, and keeps those updates', async ({
    databaseUrl,
  }) => {
    const { sql, lease, latest } = await openRunOf(databaseUrl);
    const writing = await writeBehind(sql, lease, async (tx) => {
      await tx`update sync_runs set lease_expires_at = now() + interval '20 seconds'`;
      await tx`update sync_logs set error_details = 'noted by hand'`;
    });
    await writing.recorded;
    expect(await latest()).toMatchObject({ records_processed: 50, error_details: 'noted by hand' });
    expect(await sql`select checkpoint->'processed' as processed from sync_runs`).toEqual([
      { processed: 50 },
    ]);
  });
});
