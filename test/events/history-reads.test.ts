/** Which database answers a read of a history. A replica in recovery: test/peers/replica.test.ts. */
import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, vi } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import {
  openReplicaReads,
  type ReadOutcome,
  type ReplicaLoss,
  type ReplicaOptions,
} from '../../src/events/history-reads.ts';
import { readSyncLogs } from '../../src/events/sync-logs.ts';
import { connectInTest, createTestDatabase, test } from '../support/database.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';
import { WAIT_LIMIT_MS } from '../support/wait-limit.ts';

/** Reads of organization 5, which has one run, and what they report. */
async function openReads(databaseUrl: string, url: string, options: Partial<ReplicaOptions> = {}) {
  const database = openDatabase(databaseUrl, { max: 2 });
  onTestFinished(() => database.close());
  await database.sql`insert into sync_logs (organization_id, operation_type, status, started_at)
    values (5, 'full_patients', 'completed', now())`;
  const outcomes: ReadOutcome[] = [];
  const losses: (ReplicaLoss | undefined)[] = [];
  const reads = openReplicaReads({
    url,
    whole: database,
    primary: database,
    restrict: async () => {},
    onRead: (outcome) => outcomes.push(outcome),
    onHealth: (lost) => losses.push(lost),
    ...options,
  });
  onTestFinished(() => reads.close());
  const read = () => reads.read(5, (sql, epoch) => readSyncLogs(sql, 5, { limit: 1 }, epoch));
  return { database, reads, read, outcomes, losses };
}

test('is one with the same history; otherwise, and while it is away, the primary answers', async ({
  databaseUrl,
}) => {
  const network = await openTcpProxy(databaseUrl);
  const { database, read, outcomes, losses } = await openReads(databaseUrl, network.url);
  const answer = await read();
  expect(answer.logs).toHaveLength(1);
  expect(await readSyncLogs(database.sql, 5, { limit: 1 })).toEqual(answer);
  expect(outcomes).toEqual(['replica']);

  network.refuse(true);
  expect(await read()).toEqual(answer);
  // A replica that was lost is not asked for some seconds.
  expect(await read()).toEqual(answer);
  expect(outcomes.slice(1)).toEqual(['away', 'away']);
  expect(losses).toEqual(['away']);
});

test('of another database is never the one that answers', async ({ databaseUrl }) => {
  const foreign = await createTestDatabase();
  onTestFinished(() => foreign.drop());
  const { database, read, outcomes } = await openReads(databaseUrl, foreign.url);
  const answer = await read();
  // A copy of the same cluster, with as many events and the same seed.
  const copy = connectInTest(foreign.url);
  await copy`insert into sync_logs (organization_id, operation_type, status, started_at)
    values (5, 'changed_patients', 'completed', now())`;
  const [{ seed } = { seed: '' }] = await database.sql<{ seed: string }[]>`select seed from sync_epoch_seed`;
  await copy`update sync_epoch_seed set seed = ${seed}`;
  expect(answer.logs).toHaveLength(1);
  expect(await read()).toEqual(answer);
  expect(outcomes).toEqual(['behind', 'behind']);
});

test('that has not proved itself in time leaves the read to the primary', async ({ databaseUrl }) => {
  const network = await openTcpProxy(databaseUrl);
  // Without the limit of the proof the read would wait for the answer for an hour.
  const limits = { proofMs: 200, answerMs: 3_600_000 };
  const { read, outcomes, losses } = await openReads(databaseUrl, network.url, { limits });
  await vi.waitFor(async () => {
    await read();
    expect(outcomes.at(-1)).toBe('replica');
  }, WAIT_LIMIT_MS);
  network.goSilent();
  expect((await read()).logs).toHaveLength(1);
  expect(outcomes.at(-1)).toBe('away');
  expect(losses.at(-1)).toBe('away');
});

test('that is busy with other reads leaves the read to the primary', async ({ databaseUrl }) => {
  const { reads, read, outcomes, losses } = await openReads(databaseUrl, databaseUrl);
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun = 0;
  const slow = [1, 2, 3].map(() =>
    reads.read(5, async () => {
      begun += 1;
      await released;
    }),
  );
  await vi.waitFor(() => expect(begun).toBe(3), WAIT_LIMIT_MS);
  expect((await read()).logs).toHaveLength(1);
  expect(outcomes).toEqual(['busy']);
  release();
  await Promise.all(slow);
  await read();
  expect(outcomes).toEqual(['busy', 'replica', 'replica', 'replica', 'replica']);
  expect(losses).toEqual([]);
});

test('cannot be proved by a role that may not read the control data, and the primary answers', async ({
  databaseUrl,
}) => {
  const role = `closed_${randomBytes(6).toString('hex')}`;
  const admin = openDatabase(databaseUrl, { max: 1 });
  await admin.sql.unsafe(`create role ${role} login password '${role}';
    revoke execute on function pg_control_system() from public;
    grant select on all tables in schema public to ${role};
    grant execute on all functions in schema public to ${role}`);
  onTestFinished(async () => {
    await admin.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
    await admin.close();
  });
  const url = new URL(databaseUrl);
  [url.username, url.password] = [role, role];
  const whole = openDatabase(url.href, { max: 1 });
  onTestFinished(() => whole.close());
  const { read, outcomes, losses } = await openReads(databaseUrl, databaseUrl, { whole });
  expect((await read()).logs).toHaveLength(1);
  expect((await read()).logs).toHaveLength(1);
  expect(outcomes).toEqual(['away', 'away']);
  expect(losses).toEqual(['unprovable']);
});
