import { randomBytes } from 'node:crypto';
import { describe, expect } from 'vitest';
import { createSealer } from '../../src/encryption/sealer.ts';
import { saveApiKey } from '../../src/organizations/organizations.ts';
import { startRun } from '../../src/sync/start-run.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';

describe('a run', () => {
  test('whose API key was sealed with another CREDENTIALS_KEY fails and names the cause', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    await saveApiKey(engine.database, createSealer(randomBytes(32)), 123, 'a-key-au1');
    const log = await engine.syncWith(scriptedSource(people(1)));
    expect(log).toMatchObject({ status: 'failed', metadata: { error_type: 'INTERNAL_ERROR' } });
    expect(log.error_details).toContain('CREDENTIALS_KEY');
    expect(log.metadata.solution).toContain('CREDENTIALS_KEY_PREVIOUS');
  });

  test.for(['running', 'Running ', 'in_progress', 'pending'])(
    'is not started beside one of another program, whose word is "%s"',
    async (word, { databaseUrl }) => {
      const { database, sql } = await openEngine(databaseUrl);
      const [row] = await sql<{ id: number }[]>`
        insert into sync_logs (organization_id, operation_type, status, started_at)
        values (123, 'patient_sync', ${word}, now() at time zone 'utc') returning id`;
      expect(await startRun(database, 123, 'full_patients')).toEqual({ syncLogId: row?.id, created: false });
      await sql`update sync_logs set status = 'success'`;
      expect(await startRun(database, 123, 'full_patients')).toMatchObject({ created: true });
    },
  );

  test('can be started when another program has emptied sync_logs and restarted its ids', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    const source = scriptedSource(people(30));
    await engine.syncWith(source);
    await engine.sql`truncate sync_logs restart identity`;
    // As when it did so in the middle of a run.
    await engine.sql`insert into sync_seen select 1, array_agg(cliniko_patient_id) from patients`;
    expect(await startRun(engine.database, 123, 'full_patients')).toEqual({ syncLogId: 1, created: true });
    const worker = engine.work(source);
    expect(await engine.ended()).toMatchObject({ id: 1, status: 'completed', metadata: { unchanged: 30 } });
    await worker.stop();
  });

  test('is refused to an organization that is not registered', async ({ databaseUrl }) => {
    const { database, sql } = await openEngine(databaseUrl);
    await expect(startRun(database, 999, 'full_patients')).rejects.toMatchObject({
      name: 'OrganizationDeletedError',
    });
    expect(await sql`select from sync_logs`).toEqual([]);
  });

  test('is an error, not an endless attempt, when a trigger of another program drops its row', async ({
    databaseUrl,
  }) => {
    const { database, sql } = await openEngine(databaseUrl);
    await sql`create function theirs() returns trigger language plpgsql as 'begin return null; end'`;
    await sql`create trigger theirs before insert on sync_logs for each row execute function theirs()`;
    await expect(startRun(database, 123, 'full_patients')).rejects.toMatchObject({
      name: 'RunNotStoredError',
    });
    await sql`drop trigger theirs on sync_logs`;
    expect(await startRun(database, 123, 'full_patients')).toMatchObject({ created: true });
  });
});
