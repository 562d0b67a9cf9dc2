/** The patients that a person has to look at: counted by reason, complete by pages, as one CSV, and by id only. */
import { expect } from 'vitest';
import { PatientsToCheck, PatientsToCheckPage, type PatientToCheck } from '#contract/patients-to-check.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { askJson, wholeSync } from '../support/whole-sync.ts';

const groups = async (server: TestServer) =>
  Object.fromEntries(
    PatientsToCheck.parse(await askJson(server, '/cliniko/patients/123/to-check')).groups.map(
      ({ reason, count }) => [reason, count],
    ),
  );

async function listAll(server: TestServer, reason: string, limit: number): Promise<PatientToCheck[]> {
  const all: PatientToCheck[] = [];
  for (let after = ''; ; ) {
    const path = `/cliniko/patients/123/to-check/${reason}?limit=${limit}${after}`;
    const { patients, next } = PatientsToCheckPage.parse(await askJson(server, path));
    expect(patients.length).toBeLessThanOrEqual(limit);
    all.push(...patients);
    if (next === null) return all;
    after = `&after=${next}`;
  }
}

test('patients to check are counted by reason, and each list is complete by its pages', async ({
  databaseUrl,
}) => {
  const server = await startTestServer(databaseUrl, { patients: 5 });
  const sql = connectInTest(databaseUrl);
  await sql`insert into quarantine (organization_id, record_key, cliniko_patient_id, reason, sealed_raw, attempts)
    select 123, 'k' || n, nullif(n, 1)::text, 'INVALID_PHONE', 'v1', 2 from generate_series(1, 1205) as n`;
  await sql`insert into quarantine (organization_id, record_key, reason, sealed_raw) values (124, 'a', 'MISSING_ID', 'v1')`;
  await sql`insert into patients (organization_id, cliniko_patient_id, first_name, email, raw, content_hash, warnings, held_since, missing_since, merged_into)
    values (123, '9000000000000000001', 'Zoë', 'a@b.example', '{}', '', 0, '2026-11-20T02:00:00Z', null, null),
      (123, '2', 'Zoë', null, '{}', '', 1, null, '2026-11-21T02:00:00Z', null),
      (123, '3', 'Zoë', null, '{}', '', 1, null, null, null), (123, '4', 'Zoë', null, '{}', '', 1, null, null, '3'),
      (123, '5', 'Zoë', null, '{"id": "5", "date_of_birth": "30.2.1990"}', '', 2, null, null, null),
      (123, '6', 'Zoë', 'a@b.example', '{"id": "6", "patient_phone_numbers": [{"number": "unknown"}]}', '', 1, null, null, null)`;

  expect(await askJson(server, '/cliniko/patients/123/to-check')).toEqual({
    groups: [
      { reason: 'HELD', count: 1 },
      { reason: 'INVALID_PHONE', count: 1_205 },
      { reason: 'MISSING', count: 1 },
      { reason: 'FIELD_WARNING', count: 2 },
      { reason: 'EMAIL_WARNING', count: 2 },
    ],
  });
  const rejected = await listAll(server, 'INVALID_PHONE', 500);
  expect(new Set(rejected.map(({ key }) => key)).size).toBe(1_205);
  expect(rejected.at(-1)).toMatchObject({ cliniko_patient_id: null, attempts: 2, cliniko_url: null });
  expect(rejected[0]?.last_tried_at).toMatch(/Z$/);
  const [held] = await listAll(server, 'HELD', 50);
  expect(held).toEqual({
    key: '9000000000000000001',
    cliniko_patient_id: '9000000000000000001',
    reason: 'HELD',
    since: '2026-11-20T02:00:00.000Z',
    last_tried_at: null,
    attempts: null,
    fields: [],
    cliniko_url: expect.stringMatching(
      /^https:\/\/simulated\.[a-z]{2}\d\.cliniko\.com\/patients\/9000000000000000001$/,
    ),
  });
  const warned = await listAll(server, 'FIELD_WARNING', 1);
  expect(warned.map((patient) => [patient.cliniko_patient_id, patient.fields])).toEqual([
    ['5', ['date_of_birth']],
    ['6', ['patient_phone_numbers']],
  ]);
  expect((await listAll(server, 'EMAIL_WARNING', 50)).map(({ key }) => key)).toEqual(['3', '5']);
  expect(await listAll(server, 'MISSING_ID', 50)).toEqual([]);

  const answer = await server.api('/cliniko/patients/123/to-check?format=csv');
  const lines = (await answer.text()).split('\r\n');
  expect(lines.length).toBe(2 + 1 + 1_205 + 1 + 2 + 2);
  expect(lines[0]).toBe('cliniko_patient_id,reason,since,last_tried_at,attempts,fields');
  expect(lines[1]).toBe("'9000000000000000001,HELD,2026-11-20T02:00:00.000Z,,,");
  expect(lines.join()).not.toContain('Zoë');
  const one = await (await server.api('/cliniko/patients/123/to-check/FIELD_WARNING?format=csv')).text();
  expect(one).toMatch(/'6,FIELD_WARNING,.*,patient_phone_numbers\r\n$/);
  for (const path of ['to-check/NO_SUCH', 'to-check/HELD?after=x', 'to-check/HELD?limit=1001']) {
    expect((await server.api(`/cliniko/patients/123/${path}`)).status, path).toBe(400);
  }
  const audited = await sql`select distinct action from audit_log where action like 'quarantine%'`;
  expect(audited.map(({ action }) => action)).toEqual(['quarantine.read']);
});

test('the data warnings of a run are those that the lists name', async ({ databaseUrl }) => {
  const server = await startTestServer(databaseUrl);
  const log = await wholeSync(server);
  const counts = await groups(server);
  const sql = connectInTest(databaseUrl);
  const [merged] = await sql<{ warnings: number }[]>`
    select coalesce(sum(warnings), 0)::int as warnings from patients where merged_into is not null`;
  const fields = (await listAll(server, 'FIELD_WARNING', 50)).flatMap((patient) => patient.fields);
  expect(fields.length).toBeGreaterThan(0);
  expect((counts.EMAIL_WARNING ?? 0) + fields.length + (merged?.warnings ?? 0)).toBe(
    log.metadata.warnings_total,
  );
});

test('held patients that are still in Cliniko are released, and held again by the next sync that misses them', async ({
  databaseUrl,
}) => {
  const server = await startTestServer(databaseUrl, { patients: 200 });
  await wholeSync(server);
  for (const id of [...server.cliniko.people.ids()].slice(0, 30)) server.cliniko.people.hardDelete(id);
  await wholeSync(server);
  expect(await groups(server)).toMatchObject({ HELD: 30 });

  expect(await askJson(server, '/cliniko/patients/123/missing/release', 'POST')).toEqual({ released: 30 });
  expect(await groups(server)).not.toHaveProperty('HELD');
  expect(await askJson(server, '/cliniko/patients/123/summary')).toMatchObject({ total: 200, missing: 0 });
  const sql = connectInTest(databaseUrl);
  expect(await sql`select action, details from audit_log where action like 'missing.%'`).toEqual([
    { action: 'missing.release', details: { count: 30 } },
  ]);
  await wholeSync(server);
  expect(await groups(server)).toMatchObject({ HELD: 30 });
  expect((await server.api('/cliniko/patients/999/missing/release', { method: 'POST' })).status).toBe(404);
});
