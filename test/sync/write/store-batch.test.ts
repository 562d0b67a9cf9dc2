/** The transaction of a batch. */
import type { Sql } from 'postgres';
import { expect, vi } from 'vitest';
import { DEFAULT_SETTINGS } from '#contract/organization.ts';
import { claimNextRun, LeaseLostError } from '../../../src/sync/lease.ts';
import { prepareBatch } from '../../../src/sync/write/prepare-batch.ts';
import { type BaseState, storeBatch } from '../../../src/sync/write/store-batch.ts';
import { connectInTest, test } from '../../support/database.ts';
import { openEngine } from '../../support/engine.ts';
import { STORING } from '../../support/progress-display.ts';
import { clinikoRecords, person, scriptedSource } from '../../support/scripted-source.ts';

test('a batch that waits for the organization holds no patient', async ({ databaseUrl }) => {
  const engine = await openEngine(databaseUrl);
  const clinic = (first_name: string, second: number) =>
    scriptedSource([person(1, { first_name, updated_at: `2026-01-01T00:00:0${second}Z` })]);
  await engine.syncWith(clinic('Before', 1));
  const watcher = connectInTest(databaseUrl);
  const waiting = () => watcher`select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like '%organizations%for key share%'`;
  const worker = engine.work(clinic('After', 2));
  await engine.start();

  await engine.sql.begin(async (tx) => {
    await tx`select from organizations for update`;
    await vi.waitFor(async () => expect(await waiting()).not.toHaveLength(0));
    expect(await tx`select from patients for update nowait`).toHaveLength(1);
  });
  expect(await engine.ended()).toMatchObject({ status: 'completed', metadata: { updated: 1 } });
  await worker.stop();
});

test.for<[string, (sql: Sql) => Promise<unknown>, string]>([
  [
    'another worker takes',
    (sql) => sql`update sync_runs set lease_epoch = lease_epoch + 1`,
    'Run 1 is no longer leased by this server.',
  ],
  [
    'another program ends',
    (sql) => sql`update sync_logs set status = 'failed'`,
    'Run 1 was ended by another program.',
  ],
])(
  'a batch whose run %s after its patients were written stores none',
  async ([, end, message], { databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    await engine.start();
    const claimed = await claimNextRun(engine.database, 'one');
    if (claimed === undefined) throw new Error('There is nothing to claim.');
    const { lease, state } = claimed;
    const { database, sealer } = engine.deps(scriptedSource([]));
    const rules = { country: 'AU', validation: DEFAULT_SETTINGS.validation };
    const records = { records: clinikoRecords([person(1)]), newKeys: ['1'], position: state.position };
    const batch = await prepareBatch(records, rules, new Map());
    let commit = (_base: BaseState) => {};
    const base = new Promise<BaseState>((resolve) => {
      commit = resolve;
    });
    const onWritten = vi.fn();
    const storing = storeBatch({ database, sealer, lease, claimedState: state, base, onWritten }, batch);
    await vi.waitFor(() => expect(onWritten).toHaveBeenCalled());
    await end(engine.sql);
    commit({ state, display: STORING });
    const failure = await storing.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LeaseLostError);
    expect(failure).toMatchObject({ message });
    expect(await engine.sql`select from patients`).toHaveLength(0);
    expect(await engine.latest()).toMatchObject({ records_processed: 0 });
  },
);
