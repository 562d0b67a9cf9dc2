/** Copies that follow the changes of patients on a real server: they end equal to the table, and report what does not continue. */
import { describe, expect, onTestFinished, vi } from 'vitest';
import { Findings } from '../../soak/findings.ts';
import { PatientFollowers } from '../../soak/patient-followers.ts';
import { connectInTest, test } from '../support/database.ts';
import { failedChecks } from '../support/failed-checks.ts';
import { startTestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

const CLINIC = 123;
const PATIENTS = 700;
const PATIENCE = { timeout: 20_000, interval: 20 };

async function openFollowers(databaseUrl: string) {
  const server = await startTestServer(databaseUrl, { patients: PATIENTS, latencyMs: 20 });
  const sql = connectInTest(databaseUrl);
  const findings = new Findings(() => {});
  const followers = new PatientFollowers({
    findings,
    organizations: [CLINIC],
    servers: [server],
    postgres: { read: (question) => question(sql) },
    fail: (error) => {
      throw error;
    },
  });
  onTestFinished(() => followers.leave());
  const comeToRest = async () => {
    await vi.waitFor(async () => expect(await followers.behind()).toEqual([]), PATIENCE);
    await followers.refreshLast();
    await followers.compare(CLINIC);
  };
  return { server, sql, findings, followers, comeToRest };
}

describe('copies over the stream and over polls', () => {
  test('that begin before a run, or with the stored patients in the middle of it, end equal to the table', async ({
    databaseUrl,
  }) => {
    const { server, sql, findings, followers, comeToRest } = await openFollowers(databaseUrl);
    await followers.join();
    const synced = wholeSync(server);
    const stored = async () => (await sql`select from patients`).length;
    await vi.waitFor(async () => expect(await stored()).toBeGreaterThan(300), PATIENCE);
    followers.joinInRun(CLINIC, 1);
    await vi.waitFor(() => expect(followers.listed).toBeGreaterThan(300), PATIENCE);
    for (const viewer of followers.viewers) viewer.cut();
    await synced;

    await comeToRest();
    expect(followers.copies).toHaveLength(4);
    expect(failedChecks(findings)).toEqual([]);
  });

  test('report a change that waits for its number, and a log that does not continue at their cursors', async ({
    databaseUrl,
  }) => {
    const { server, sql, findings, followers, comeToRest } = await openFollowers(databaseUrl);
    await wholeSync(server);
    followers.joinInRun(CLINIC, 1);
    await comeToRest();
    expect(failedChecks(findings)).toEqual([]);

    const PENDING = 'no change of a patient waits for its number';
    // The trigger numbers the changes.
    await sql`alter table patient_changes_pending disable trigger user`;
    await sql`insert into patient_changes_pending (organization_id, kinds, cliniko_patient_ids, is_distinct)
      values (${CLINIC}, '{updated}', '{7}', true)`;
    await followers.compare(CLINIC);
    expect(failedChecks(findings)).toEqual([PENDING]);

    await sql`update patient_change_streams set head = 1`;
    for (const viewer of followers.viewers) viewer.cut();
    const CONTINUES = 'the changes of patients continue at the cursor of the copy';
    // A copy that meets the number of a change again may also report that it arrived twice.
    await vi.waitFor(
      () => expect(failedChecks(findings)).toEqual(expect.arrayContaining([PENDING, CONTINUES])),
      PATIENCE,
    );
  });
});
