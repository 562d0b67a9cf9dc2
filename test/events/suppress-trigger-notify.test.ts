import { expect, vi } from 'vitest';
import { cancelRun } from '../../src/sync/cancel-run.ts';
import { connectInTest, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { openExternalWriter } from '../support/external-writer.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';

test('the trigger notifies of changes of other programs only, not of a run of ours', async ({
  databaseUrl,
}) => {
  const received: string[] = [];
  await connectInTest(databaseUrl).listen('patient_sync', (payload) => received.push(payload));
  // Its bus is in memory, so each notification is the trigger's.
  const engine = await openEngine(databaseUrl);
  const { begin } = openExternalWriter(databaseUrl);

  expect(await engine.syncWith(scriptedSource(people(30)))).toMatchObject({ status: 'completed' });
  const { bus, database, logger } = engine.deps(scriptedSource([]));
  await cancelRun({ bus, database, logger }, 123, await engine.start());
  expect(await engine.ended()).toMatchObject({ metadata: { error_type: 'SYNC_CANCELLED' } });
  await begin();

  // PostgreSQL delivers notifications in the order of their commits.
  await vi.waitFor(() => expect(received).not.toEqual([]));
  expect(received).toEqual(['e:55']);
});
