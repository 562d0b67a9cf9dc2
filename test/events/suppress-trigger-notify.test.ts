import { expect, vi } from 'vitest';
import { saveOrganization } from '../../src/organizations/organizations.ts';
import { cancelRun } from '../../src/sync/cancel-run.ts';
import { updateQueuePositions } from '../../src/sync/queue-positions.ts';
import { startRun } from '../../src/sync/start-run.ts';
import { connectInTest, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { openExternalWriter } from '../support/external-writer.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';

test('the triggers notify of changes of other programs only, not of a run of ours nor of the queue', async ({
  databaseUrl,
}) => {
  const received: string[] = [];
  await connectInTest(databaseUrl).listen('patient_sync', (payload) => received.push(payload));
  // Its bus is in memory, so each notification is the trigger's.
  const engine = await openEngine(databaseUrl);
  const { begin, sql } = openExternalWriter(databaseUrl);

  expect(await engine.syncWith(scriptedSource(people(30)))).toMatchObject({ status: 'completed' });
  const { bus, database, logger } = engine.deps(scriptedSource([]));
  await cancelRun({ bus, database, logger }, 123, await engine.start());
  expect(await engine.ended()).toMatchObject({ metadata: { error_type: 'SYNC_CANCELLED' } });
  for (const id of [200, 201]) {
    await saveOrganization(database, id, {});
    await startRun(database, id, 'full_patients');
  }
  await engine.sql`update sync_runs set created_at = now() - interval '1 hour' where organization_id = 201`;
  expect(await updateQueuePositions(database)).toHaveLength(2);
  await begin();
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
    values (56, 'x', 'failed', now()), (57, 'x', 'failed', now()), (57, 'x', 'failed', now())`;
  await sql`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings)
    values (58, '1', '{}', '', 0)`;

  // PostgreSQL delivers notifications in the order of their commits.
  await vi.waitFor(() => expect(received).toContain('e:58'));
  expect(received.toSorted()).toEqual(['e:55', 'e:56', 'e:57', 'e:58']);
});
