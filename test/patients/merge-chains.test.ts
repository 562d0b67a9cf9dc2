import { describe, expect, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { resolveMergeChains } from '../../src/patients/merge-chains.ts';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

async function openMerged(databaseUrl: string) {
  const { sql, close } = openDatabase(databaseUrl, { max: 1 });
  onTestFinished(close);
  const pointers = async () => {
    const rows = await sql<{ id: string; into: string }[]>`
      select cliniko_patient_id as id, merged_into as into from patients
      where organization_id = 123 and merged_into is not null`;
    return Object.fromEntries(rows.map(({ id, into }) => [id, into]));
  };
  const store = async (id: string, into: string | null, organization = 123) => {
    await sql`insert into patients (organization_id, cliniko_patient_id, merged_into, raw, content_hash, warnings)
      values (${organization}, ${id}, ${into}, '{}', '', 0)`;
  };
  return { sql, pointers, store };
}

describe('patients that Cliniko has merged', () => {
  test('point at the survivor, through all merges; a second sync writes no patient', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    const { pointers, sql } = await openMerged(databaseUrl);
    const { people } = server.cliniko;
    const [a, b, c, d] = [people.idOf(50), people.idOf(2), people.idOf(30), people.idOf(9)];
    await wholeSync(server);
    const before = await pointers();
    people.merge(a, b);
    people.merge(b, c);
    people.merge(c, d);

    await wholeSync(server, 'sync-changed');
    expect(await pointers()).toEqual({ ...before, [a]: d, [b]: d, [c]: d });

    const versions = async () => [...(await sql`select xmin, cliniko_patient_id from patients order by 2`)];
    const stored = await versions();
    await wholeSync(server);
    expect(await versions()).toEqual(stored);
  });

  test('point where the chain leads now, when Cliniko has changed a later part of it', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    const { pointers } = await openMerged(databaseUrl);
    const { people } = server.cliniko;
    const [a, b, c, d] = [people.idOf(50), people.idOf(2), people.idOf(30), people.idOf(9)];
    await wholeSync(server);
    const before = await pointers();
    people.merge(a, b);
    people.merge(b, c);
    await wholeSync(server, 'sync-changed');
    expect(await pointers()).toEqual({ ...before, [a]: c, [b]: c });

    people.merge(b, d);
    await wholeSync(server, 'sync-changed');
    expect(await pointers()).toEqual({ ...before, [a]: d, [b]: d });
  });

  test('keep pointing at each other in a loop, and may point at a survivor that is not stored', async ({
    databaseUrl,
  }) => {
    const { sql, pointers, store } = await openMerged(databaseUrl);
    await store('1', '2');
    await store('2', '3');
    await store('3', '1');
    await store('4', '4');
    await store('5', '6');
    await store('6', '99');
    await store('8', '1');
    await store('5', '7', 456);
    await store('6', '7', 456);
    await resolveMergeChains(sql, 123);

    expect(await pointers()).toMatchObject({ 1: '2', 2: '3', 3: '1', 4: '4', 5: '99', 6: '99', 8: '1' });
    expect(await sql`select merged_into from patients where organization_id = 456`).toEqual([
      { merged_into: '7' },
      { merged_into: '7' },
    ]);
  });
});
