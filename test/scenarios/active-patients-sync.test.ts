/** A sync of active patients while some patients are archived and others are restored. */
import { describe, expect } from 'vitest';
import type { People } from '../../src/cliniko-simulator/people.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

const isActive = (people: People, id: string) => people.record(id).archived_at === null;

function idsOf(people: People, wanted: 'active' | 'archived'): string[] {
  return [...people.ids()].filter((id) => isActive(people, id) === (wanted === 'active'));
}

async function storedIds(databaseUrl: string): Promise<string[]> {
  const rows = await connectInTest(databaseUrl)<
    { id: string }[]
  >`select cliniko_patient_id as id from patients`;
  return rows.map(({ id }) => id);
}

const openClinic = (databaseUrl: string): Promise<TestServer> =>
  startTestServer(databaseUrl, { patients: 520, behaviour: { emptyStyle: null } });

describe('a sync of active patients', () => {
  test('misses no patient when one is archived and another restored: the total stays equal, and the pages shift', async ({
    databaseUrl,
  }) => {
    const { cliniko, ...server } = await openClinic(databaseUrl);
    const always = idsOf(cliniko.people, 'active');
    const back = idsOf(cliniko.people, 'archived').at(-1) ?? '';
    cliniko.churn.afterPage(1, (people) => {
      people.archive(always[3] ?? '');
      people.unarchive(back);
    });

    const log = await wholeSync({ ...server, cliniko }, 'sync-active');
    expect(log.metadata.proof).toMatchObject({ proven: true });
    expect(await storedIds(databaseUrl)).toEqual(expect.arrayContaining([...always, back]));
  });

  test('reads a clinic that is younger than the difference between its clock and ours', async ({
    databaseUrl,
  }) => {
    const now = () => new Date(Date.now() + 7_200_000);
    const server = await startTestServer(databaseUrl, { patients: 0, now });
    const [archived = '', ...active] = server.cliniko.people.add(16);
    server.cliniko.churn.afterPage(1, (people) => people.archive(archived));

    expect(await wholeSync(server, 'sync-active')).toMatchObject({ status: 'completed', records_failed: 0 });
    expect(await storedIds(databaseUrl)).toEqual(expect.arrayContaining(active));
  });

  test('sends no extra requests when a patient was only edited', async ({ databaseUrl }) => {
    const { cliniko, ...server } = await openClinic(databaseUrl);
    const [edited = ''] = idsOf(cliniko.people, 'active');
    cliniko.churn.afterPage(1, (people) => people.edit(edited, { first_name: 'Edited' }));
    const log = await wholeSync({ ...server, cliniko }, 'sync-active');
    expect(log.metadata.proof).toMatchObject({ proven: true, repairs: 0 });
  });

  test('of a Cliniko that ignores filters is complete, and takes no patient for one that was just archived', async ({
    databaseUrl,
  }) => {
    const server = await openClinic(databaseUrl);
    server.cliniko.behaviour.ignoredFilters = ['archived_at', 'created_at', 'updated_at', 'id'];

    const log = await wholeSync(server, 'sync-active');
    expect(log).toMatchObject({ status: 'completed', metadata: { proof: { proven: true, repairs: 0 } } });
    expect(await storedIds(databaseUrl)).toEqual(
      expect.arrayContaining(idsOf(server.cliniko.people, 'active')),
    );
  });
});
