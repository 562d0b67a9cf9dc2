import { describe, expect } from 'vitest';
import { createSealer } from '../../src/encryption/sealer.ts';
import { saveApiKey, saveOrganization } from '../../src/organizations/organizations.ts';
import {
  assertLease,
  claimNextRun,
  type Lease,
  LeaseLostError,
  releaseLease,
  renewLeases,
  revokeLeases,
} from '../../src/sync/lease.ts';
import { startRun } from '../../src/sync/start-run.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { CREDENTIALS_KEY } from '../support/server.ts';

/** Runs of two clinics, claimed by one worker. */
async function openTwoRuns(databaseUrl: string) {
  const engine = await openEngine(databaseUrl);
  const { database } = engine;
  await saveOrganization(database, 124, {});
  await saveApiKey(database, createSealer(CREDENTIALS_KEY), 124, 'another-key-au1');
  const leases: Lease[] = [];
  for (const organizationId of [123, 124]) {
    await startRun(database, organizationId, 'full_patients');
    const claimed = await claimNextRun(
      database,
      'one',
      leases.map((lease) => lease.syncLogId),
    );
    if (claimed !== undefined) leases.push(claimed.lease);
  }
  const [first, second] = leases;
  if (first === undefined || second === undefined) throw new Error('There is nothing to claim.');
  return { ...engine, first, second };
}

describe('leases', () => {
  test('are renewed without waiting for a lease that another session has locked', async ({ databaseUrl }) => {
    const { database, sql, first, second } = await openTwoRuns(databaseUrl);
    await sql`update sync_runs set lease_expires_at = now()`;
    await sql.begin(async (externalWriter) => {
      await externalWriter`select from sync_runs where sync_log_id = ${second.syncLogId} for update`;
      expect(await renewLeases(database, 'one', [first, second])).toEqual([]);
    });
    const renewed = await sql`select sync_log_id as id from sync_runs where lease_expires_at > now()`;
    expect(renewed).toEqual([{ id: first.syncLogId }]);
  });

  test('of a server of the previous version last 15 s, and one from the future counts for nothing', async ({
    databaseUrl,
  }) => {
    const { database, sql, first } = await openTwoRuns(databaseUrl);
    const leaseFor = (seconds: number) => sql`update sync_runs set
      lease_expires_at = clock_timestamp() + make_interval(secs => ${seconds}) where sync_log_id = ${first.syncLogId}`;
    await leaseFor(14);
    expect(await claimNextRun(database, 'two')).toBeUndefined();
    await leaseFor(3_600);
    expect((await claimNextRun(database, 'two'))?.lease.syncLogId).toBe(first.syncLogId);
  });

  test('are lost when another worker has claimed the run', async ({ databaseUrl }) => {
    const { database, sql, first, second } = await openTwoRuns(databaseUrl);
    await sql`update sync_runs set lease_expires_at = now() - interval '1 second'
      where sync_log_id = ${second.syncLogId}`;
    await claimNextRun(database, 'two');
    expect(await renewLeases(database, 'one', [first, second])).toEqual([second]);
  });

  test('of an earlier claim of the same worker write nothing, and end nothing', async ({ databaseUrl }) => {
    const { database, sql, first } = await openTwoRuns(databaseUrl);
    // As an erasure does, so that what the worker has already read is not stored.
    await sql.begin((tx) => revokeLeases(tx, first.organizationId));
    const again = await claimNextRun(database, 'one');
    expect(again?.lease).toEqual({ ...first, epoch: first.epoch + 2 });
    await expect(sql.begin((tx) => assertLease(tx, first))).rejects.toBeInstanceOf(LeaseLostError);
    await releaseLease(database, first);
    expect(await renewLeases(database, 'one', again ? [again.lease] : [])).toEqual([]);
    await sql.begin((tx) => assertLease(tx, again?.lease ?? first));
  });

  test('that were released write nothing', async ({ databaseUrl }) => {
    const { database, sql, first } = await openTwoRuns(databaseUrl);
    await releaseLease(database, first);
    await expect(sql.begin((tx) => assertLease(tx, first))).rejects.toBeInstanceOf(LeaseLostError);
  });
});
