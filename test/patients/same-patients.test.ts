/** Two organizations with the same patients, as two that use one account of Cliniko: whatever happens to one leaves the other alone. */
import { expect, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { eraseAndAudit } from '../../src/erasure/erase.ts';
import { connectInTest, test } from '../support/database.ts';
import { putJson, startTestServer } from '../support/server.ts';
import { askJson, wholeSync } from '../support/whole-sync.ts';

const OTHER = 9;

test('what a sync, a person, a retry or an erasure changes in one organization changes nothing in another', async ({
  databaseUrl,
}) => {
  const server = await startTestServer(databaseUrl, { patients: 120 });
  const database = openDatabase(databaseUrl);
  onTestFinished(() => database.close());
  const { sql } = database;
  const { people } = server.cliniko;
  const ids = [...people.ids()];
  for (const id of ids) people.override(id, { email: `p${id}@example.com` });
  const rejected = [people.idOf(1), people.idOf(2), people.idOf(3)] as const;
  for (const id of rejected) people.override(id, { email: null });
  await putJson(server.api, '/organizations/123', { validation: { email: 'require' } });
  expect(await wholeSync(server)).toMatchObject({ records_success: 117, records_failed: 3 });

  // Patients in every state, and each also in quarantine.
  await sql`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings, missing_since, held_since)
    select ${OTHER}, id, '{}', '', 0, case when place % 3 = 1 then now() end, case when place % 3 = 2 then now() end
    from unnest(${ids}::text[]) with ordinality as listed (id, place)`;
  await sql`insert into quarantine (organization_id, record_key, cliniko_patient_id, reason, sealed_raw, last_seen_at)
    select ${OTHER}, id, id, 'INVALID_PHONE', '', '2020-01-01' from unnest(${ids}::text[]) as listed (id)`;
  const ofOther = async () => [
    await sql`select xmin, * from patients where organization_id = ${OTHER} order by cliniko_patient_id`,
    await sql`select xmin, * from quarantine where organization_id = ${OTHER} order by record_key`,
  ];
  const before = await ofOther();

  const [vanished, merged] = [ids.slice(10, 45), ids.slice(50, 53)];
  for (const id of vanished.slice(0, 5)) people.hardDelete(id);
  expect((await wholeSync(server)).metadata).toMatchObject({ missing_marked: 5 });
  for (const id of vanished.slice(5)) people.hardDelete(id);
  expect((await wholeSync(server)).metadata).toMatchObject({ missing_held: 30 });
  const decide = (what: string) =>
    server.api(`/cliniko/patients/123/missing/${what}`, { method: 'POST' }).then((answer) => answer.json());
  expect(await decide('release')).toEqual({ released: 30 });
  expect((await wholeSync(server)).metadata).toMatchObject({ missing_held: 30 });
  expect(await decide('confirm')).toEqual({ confirmed: 30 });

  const [first = '', second = '', third = ''] = merged;
  people.merge(first, second);
  people.merge(second, third);
  people.override(rejected[0], { email: 'one@example.com' });
  people.hardDelete(rejected[1]);
  expect((await wholeSync(server)).metadata).toMatchObject({ quarantine_removed: 1, inserted: 1 });
  people.override(rejected[2], { email: 'three@example.com' });
  const retried = await server.api('/cliniko/quarantine/123/retry', { method: 'POST' });
  expect(await retried.json()).toEqual({ requested: 1, resolved: 1, remaining: 0 });
  const erased = { kind: 'listed', ids: ids.slice(60, 70) } as const;
  expect(await eraseAndAudit(database, 123, erased, () => undefined)).toMatchObject({ patients: 10 });

  expect(await askJson(server, '/cliniko/patients/123/summary')).toMatchObject({ missing: 35 });
  expect(await eraseAndAudit(database, 123, { kind: 'all' }, () => undefined)).toMatchObject({
    patients: 109,
  });
  expect(await ofOther()).toEqual(before);
});

test('a sync stores a version that another organization has already', async ({ databaseUrl }) => {
  const server = await startTestServer(databaseUrl, { patients: 5 });
  const sql = connectInTest(databaseUrl);
  await wholeSync(server);
  await sql`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings)
    select ${OTHER}, cliniko_patient_id, raw, content_hash, warnings from patients`;
  await sql`update patients set content_hash = '', updated_at = null where organization_id = 123`;
  expect((await wholeSync(server)).metadata).toMatchObject({ updated: 5 });
});
