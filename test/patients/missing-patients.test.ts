/** Patients that vanish from Cliniko, and that reappear. */
import { describe, expect, onTestFinished } from 'vitest';
import type { PatientSource } from '../../src/cliniko/source.ts';
import { openDatabase } from '../../src/database/open.ts';
import { purgeMissing } from '../../src/erasure/purge.ts';
import { saveOrganization } from '../../src/organizations/organizations.ts';
import { canMarkMissing } from '../../src/patients/missing-patients.ts';
import { connectInTest, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { rethrow } from '../support/rethrow.ts';
import { people, person, scriptedSource } from '../support/scripted-source.ts';
import { putJson, startTestServer, type TestServer } from '../support/server.ts';
import { askJson, wholeSync } from '../support/whole-sync.ts';

const vanish = ({ cliniko }: TestServer, count: number): string[] => {
  const ids = [...cliniko.people.ids()].slice(0, count);
  for (const id of ids) cliniko.people.hardDelete(id);
  return ids;
};

/** A synced clinic that requires an email from now on. The first `without` patients have none any more. */
async function clinicRequiringEmail(databaseUrl: string, patients: number, without: number) {
  const server = await startTestServer(databaseUrl, { patients });
  const sql = connectInTest(databaseUrl);
  await wholeSync(server);
  await putJson(server.api, '/organizations/123', { validation: { email: 'require' } });
  const { people: clinic } = server.cliniko;
  const ids = [...clinic.ids()];
  for (const [n, id] of ids.entries())
    clinic.override(id, { email: n < without ? null : `p${id}@example.com` });
  return { server, sql, ids };
}

describe('a patient that is absent from a proven full sync', () => {
  test('is marked as missing, and counted apart from then on', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 300 });
    await wholeSync(server);
    vanish(server, 20);

    expect((await wholeSync(server)).metadata).toMatchObject({ missing_marked: 20, proof: { proven: true } });
    expect(await askJson(server, '/cliniko/patients/123/summary')).toMatchObject({ total: 280, missing: 20 });
    expect((await wholeSync(server)).metadata).not.toHaveProperty('missing_marked');
  });

  test('is held with many others until a person confirms it, and the confirmation is audited', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 300 });
    const database = openDatabase(databaseUrl, { max: 1 });
    await wholeSync(server);
    vanish(server, 21);

    const log = await wholeSync(server);
    expect(log).toMatchObject({ status: 'completed', metadata: { missing_held: 21 } });
    expect(await askJson(server, '/cliniko/patients/123/summary')).toMatchObject({ total: 300, missing: 0 });
    expect(await askJson(server, '/cliniko/patients/123/missing')).toMatchObject({ missing: 0, held: 21 });

    const rows = () => database.sql`select id, xmin::text, ctid::text from patients order by id`;
    const before = await rows();
    expect(await wholeSync(server)).toMatchObject({ metadata: { missing_held: 21 } });
    expect(await rows()).toEqual(before);

    expect(await askJson(server, '/cliniko/patients/123/missing/confirm', 'POST')).toEqual({ confirmed: 21 });
    expect(await askJson(server, '/cliniko/patients/123/summary')).toMatchObject({ total: 279, missing: 21 });
    expect(await askJson(server, '/cliniko/patients/123/missing/confirm', 'POST')).toEqual({ confirmed: 0 });
    const audited = await database.sql`select organization_id, action, details from audit_log
        where action like 'missing.%' order by id limit 1`;
    expect(audited).toEqual([{ organization_id: 123, action: 'missing.confirm', details: { count: 21 } }]);
    await database.close();
  });

  test('is not decided about with others that were held later', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 300 });
    await wholeSync(server);
    vanish(server, 21);
    await wholeSync(server);
    vanish(server, 9);
    vanish(server, 30);
    expect((await wholeSync(server)).metadata).toMatchObject({ missing_held: 60 });
    for (const decision of ['confirm', 'release']) {
      expect(
        await askJson(server, `/cliniko/patients/123/missing/${decision}?held=21`, 'POST'),
      ).toMatchObject({
        status: 409,
        code: 'HELD_CHANGED',
        detail: '60 patients are held now, not 21. Nothing was changed: read the list again, then decide.',
      });
      expect(
        await askJson(server, `/cliniko/patients/123/missing/${decision}?held=no`, 'POST'),
      ).toMatchObject({
        code: 'INVALID_PARAMETER',
        field: 'held',
      });
    }
    expect(await askJson(server, '/cliniko/patients/123/missing')).toMatchObject({ missing: 0, held: 60 });
    expect(await askJson(server, '/cliniko/patients/123/missing/confirm?held=60', 'POST')).toEqual({
      confirmed: 60,
    });
  });

  test('stays held until a person decides, although the clinic has grown and the limit with it', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 1_000 });
    await wholeSync(server);
    vanish(server, 21);
    expect((await wholeSync(server)).metadata).toMatchObject({ missing_held: 21 });
    server.cliniko.people.add(200);
    vanish(server, 1);

    expect((await wholeSync(server)).metadata).toMatchObject({ missing_marked: 1, missing_held: 21 });
    expect(await askJson(server, '/cliniko/patients/123/missing')).toMatchObject({ missing: 1, held: 21 });
    expect(await askJson(server, '/cliniko/patients/123/missing/confirm', 'POST')).toEqual({ confirmed: 21 });
  });

  test('is held with all others, when a new API key belongs to another clinic', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const allPatients = people(1_015);
    const unstorable = person(2_000, { email: null });
    await saveOrganization(engine.database, 123, { validation: { email: 'require' } });
    await engine.syncWith(scriptedSource([...allPatients.slice(0, 15), unstorable]));
    const another = scriptedSource(allPatients.slice(15));
    for (const _night of [1, 2]) {
      const { metadata } = await engine.syncWith(another);
      expect(metadata).toMatchObject({ missing_held: 15, proof: { proven: true } });
      expect(metadata).not.toHaveProperty('missing_marked');
      expect(metadata).not.toHaveProperty('quarantine_removed');
    }
    expect((await engine.syncWith(scriptedSource(allPatients))).metadata).not.toHaveProperty('missing_held');
  });

  test('is not marked while some records have no id, because they may include the patient', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    await wholeSync(server);
    for (const id of [...server.cliniko.people.ids()].slice(0, 10)) {
      server.cliniko.people.override(id, { id: null });
    }

    const log = await wholeSync(server);
    expect(log).toMatchObject({
      status: 'completed',
      records_failed: 10,
      metadata: { proof: { proven: false } },
    });
    expect(log.metadata).not.toHaveProperty('missing_marked');
    expect(await askJson(server, '/cliniko/patients/123/summary')).toMatchObject({ total: 60, missing: 0 });
  });

  test('is not marked when only active patients are read', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 120 });
    await wholeSync(server);
    vanish(server, 3);

    expect((await wholeSync(server, 'sync-active')).status).toBe('completed');
    expect(await askJson(server, '/cliniko/patients/123/summary')).toMatchObject({ total: 120, missing: 0 });
  });
});

describe('a patient that reappears', () => {
  test('is restored by any kind of sync that reads it', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 150 });
    const database = openDatabase(databaseUrl, { max: 1 });
    await wholeSync(server);
    const unchanged = `select first_name, updated_at, raw from patients order by cliniko_patient_id`;
    const before = await database.sql.unsafe(unchanged);
    await database.sql`update patients set missing_since = now() where id % 2 = 0`;
    await database.sql`update patients set held_since = now() where id % 3 = 0 and missing_since is null`;

    await wholeSync(server, 'sync-active');
    await wholeSync(server);
    expect(await askJson(server, '/cliniko/patients/123/summary')).toMatchObject({ total: 150, missing: 0 });
    expect(await askJson(server, '/cliniko/patients/123/missing')).toMatchObject({
      held: 0,
      held_since: null,
      held_ids: [],
    });
    expect(await database.sql.unsafe(unchanged)).toEqual(before);
    await database.close();
  });
});

describe('a patient that reappears with a record that cannot be stored', () => {
  test('is in quarantine, no longer missing, and no purge erases it', async ({ databaseUrl }) => {
    const { server, sql, ids } = await clinicRequiringEmail(databaseUrl, 60, 2);
    const [missing = '', held = ''] = ids;
    const database = openDatabase(databaseUrl, { max: 1 });
    onTestFinished(() => database.close());
    const markAbsent = async () => {
      await sql`update patients set missing_since = now() - interval '40 days' where cliniko_patient_id = ${missing}`;
      await sql`update patients set held_since = now() where cliniko_patient_id = ${held}`;
    };
    const absent = () =>
      sql`select cliniko_patient_id from patients where missing_since is not null or held_since is not null`;

    await markAbsent();
    expect(await wholeSync(server)).toMatchObject({ records_failed: 2, records_success: 58 });
    expect(await absent()).toEqual([]);
    expect(await purgeMissing(database, 30, rethrow)).toBe(0);

    await markAbsent();
    const retried = await askJson(server, '/cliniko/quarantine/123/retry', 'POST');
    expect(retried).toMatchObject({ requested: 2, resolved: 0, remaining: 2 });
    expect(await absent()).toEqual([]);
  });
});

describe('a patient that reappears in a batch of which PostgreSQL refuses another patient', () => {
  test('is no longer missing', async ({ databaseUrl }) => {
    const { server, sql, ids } = await clinicRequiringEmail(databaseUrl, 40, 1);
    const [missing = '', refused = ''] = ids;
    await sql.unsafe(`create function refuse() returns trigger language plpgsql as
      $$ begin if new.cliniko_patient_id = '${refused}' then raise check_violation; end if; return new; end $$`);
    await sql`create trigger refuse before insert or update on patients for each row execute function refuse()`;
    await sql`update patients set missing_since = now() where cliniko_patient_id = ${missing}`;

    expect(await wholeSync(server)).toMatchObject({ records_failed: 2, records_success: 38 });
    expect(await sql`select from patients where missing_since is not null`).toHaveLength(0);
  });
});

describe('a patient that the list omits, although its total is complete', () => {
  test('is fetched by id before it is marked as missing', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const allPatients = people(30);
    const whole = scriptedSource(allPatients);
    const listed = scriptedSource(allPatients.slice(1));
    const source: PatientSource = {
      ...whole,
      page: (query, options) => {
        const isById = query.filters.some((filter) => filter.startsWith('id:='));
        return (isById ? whole : listed).page(query, options);
      },
    };
    await engine.syncWith(whole);
    const log = await engine.syncWith(source);

    expect(log).toMatchObject({ records_success: 30, metadata: { proof: { seen: 29, proven: true } } });
    expect(log.metadata).not.toHaveProperty('missing_marked');
  });
});

describe('the limit for unconfirmed missing patients', () => {
  test.for([
    [20, 648, true],
    [21, 648, false],
    [200, 10_000, true],
    [201, 10_000, false],
    [4, 5, true],
    [5, 5, false],
  ] as const)('lets %i of %i vanish: %s', ([unseen, stored, expected]) => {
    expect(canMarkMissing({ ids: Array.from({ length: unseen }, String), stored })).toBe(expected);
  });
});
