/** Cliniko's clock and the database's clock: no patient is lost, however far apart they are. */
import { describe, expect, vi } from 'vitest';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

const PATIENTS = 250;

/** A clinic whose clock is this many seconds ahead of ours; behind if negative. */
const open = (databaseUrl: string, seconds: number): Promise<TestServer> =>
  startTestServer(databaseUrl, { patients: PATIENTS, now: () => new Date(Date.now() + seconds * 1_000) });

async function namesOf(databaseUrl: string): Promise<Map<string, string>> {
  const rows = await connectInTest(databaseUrl)<{ id: string; name: string }[]>`
    select cliniko_patient_id as id, first_name as name from patients`;
  return new Map(rows.map(({ id, name }) => [id, name]));
}

describe.for([-7_200, -60, -6, -2, 60, 7_200])('a clinic whose clock differs by %i s', (seconds) => {
  test('is stored completely when one patient is created and another deleted during the scan', async ({
    databaseUrl,
  }) => {
    const server = await open(databaseUrl, seconds);
    server.cliniko.churn.afterPage(1, (people) => {
      people.hardDelete(people.idOf(0));
      people.add();
    });
    expect((await wholeSync(server)).metadata.proof).toMatchObject({ proven: true });
    expect([...(await namesOf(databaseUrl)).keys()]).toEqual(
      expect.arrayContaining([...server.cliniko.people.ids()]),
    );
  });

  test('stores an edit on a page that was already read', async ({ databaseUrl }) => {
    const server = await open(databaseUrl, seconds);
    const edited = server.cliniko.people.idOf(7);
    server.cliniko.churn.afterPage(2, (people) => people.edit(edited, { first_name: 'Meanwhile' }));
    await wholeSync(server);
    expect((await namesOf(databaseUrl)).get(edited)).toBe('Meanwhile');
  });

  test('stores a current edit in the next changed sync, which reads no other patient', async ({
    databaseUrl,
  }) => {
    const server = await open(databaseUrl, seconds);
    await wholeSync(server);
    const edited = server.cliniko.people.idOf(7);
    server.cliniko.people.edit(edited, { first_name: 'Since then' });
    expect(await wholeSync(server, 'sync-changed')).toMatchObject({ records_processed: 1 });
    expect((await namesOf(databaseUrl)).get(edited)).toBe('Since then');
  });
});

describe('a scan that another server continues', () => {
  test('keeps its start time by Cliniko’s clock', async ({ databaseUrl }) => {
    const first = await open(databaseUrl, -60);
    const { cliniko } = first;
    cliniko.faults.onPage(2, { kind: 'hang', times: 1 });
    await first.api('/cliniko/sync-all/123', { method: 'POST' });
    await cliniko.requested(({ page }) => page === 2);
    await vi.waitFor(async () => expect((await namesOf(databaseUrl)).size).toBe(100));
    await first.stop();
    const second = await startTestServer(databaseUrl, { cliniko, organizations: [] });
    await vi.waitFor(async () => expect((await namesOf(databaseUrl)).size).toBe(PATIENTS), {
      timeout: 10_000,
    });

    const walked = cliniko.requests.filter(({ query }) => query.includes('created_at:<='));
    const ends = walked.map(({ query }) => /created_at:<=([^&]*)/.exec(query)?.[1]);
    // Only the first request used the other clock.
    expect(walked.map(({ page }) => page).slice(0, 2)).toEqual([1, 1]);
    expect(new Set(ends.slice(1)).size).toBe(1);
    expect(Date.parse(ends[0] ?? '') - Date.parse(ends[1] ?? '')).toBeGreaterThan(50_000);
    await second.stop();
  });
});
