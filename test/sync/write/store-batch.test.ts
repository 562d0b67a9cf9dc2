/** The transaction of a batch. */
import { expect, vi } from 'vitest';
import { connectInTest, test } from '../../support/database.ts';
import { openEngine } from '../../support/engine.ts';
import { person, scriptedSource } from '../../support/scripted-source.ts';

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
