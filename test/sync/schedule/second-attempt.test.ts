/** Scheduled runs that fail: what follows, with a clinic whose answers are scripted and a worker that runs every attempt. */
import { describe, expect } from 'vitest';
import { ClinikoError, type ClinikoFailure } from '../../../src/cliniko/error.ts';
import { saveOrganization } from '../../../src/organizations/organizations.ts';
import { readFreshness } from '../../../src/organizations/overdue.ts';
import { setPause } from '../../../src/organizations/pause.ts';
import { readOverview } from '../../../src/overview/read-overview.ts';
import { startDueAttempts, startDueSyncs } from '../../../src/sync/schedule/scheduler.ts';
import { startRun } from '../../../src/sync/start-run.ts';
import { startGuardedServer } from '../../access/support/guarded-server.ts';
import { connectInTest, test } from '../../support/database.ts';
import { openEngine } from '../../support/engine.ts';
import { people, scriptedSource } from '../../support/scripted-source.ts';
import { putJson, startTestServer } from '../../support/server.ts';

/** Half a day away: a firing that is near would be waited for instead of an attempt. */
const NIGHTLY = { cron: `0 ${(new Date().getUTCHours() + 12) % 24} * * *`, time_zone: 'UTC' };
const UNAVAILABLE: ClinikoFailure = { kind: 'unavailable', status: 503 };

async function openClinic(databaseUrl: string) {
  const engine = await openEngine(databaseUrl);
  const { sql, database } = engine;
  await saveOrganization(database, 123, { schedule: NIGHTLY });
  const source = scriptedSource(people(20));
  const { logger, bus } = engine.deps(source);
  const deps = { database, logger, bus };
  engine.work(source);
  const fail = (failure: ClinikoFailure) =>
    source.onPage(1, () => {
      throw new ClinikoError(failure);
    });
  return {
    ...engine,
    /** The next run fails in this way; undefined: it succeeds. */
    async fire(failure?: ClinikoFailure) {
      if (failure) fail(failure);
      await sql`update organizations set next_sync_at = clock_timestamp()`;
      expect(await startDueSyncs(deps)).toBe(1);
      return await engine.ended();
    },
    async attempt(failure?: ClinikoFailure) {
      if (failure) fail(failure);
      await sql`update organizations set retry_at = clock_timestamp() where retry_at is not null`;
      const started = await startDueAttempts(deps);
      return started === 0 ? undefined : await engine.ended();
    },
    async startByHand(failure?: ClinikoFailure) {
      if (failure) fail(failure);
      await startRun(database, 123, 'full_patients', { trigger: { kind: 'person' } });
      bus.publish({ organizations: [123], work: true });
      return await engine.ended();
    },
    deps,
    row: async () => (await sql`select * from organizations`)[0],
  };
}

/** From the end of a run to the attempt, in minutes. */
const minutesUntil = ({
  completed_at,
  metadata,
}: {
  completed_at: string | null;
  metadata: { retry_at?: string | undefined };
}) => Math.round((Date.parse(metadata.retry_at ?? '') - Date.parse(completed_at ?? '')) / 60_000);

describe('a scheduled run that fails for a passing reason', () => {
  test('is tried again after 5, 15 and 60 minutes, and then rests until the next firing', async ({
    databaseUrl,
  }) => {
    const clinic = await openClinic(databaseUrl);
    let failed = await clinic.fire(UNAVAILABLE);
    expect(failed.metadata).toMatchObject({
      error_type: 'CLINIKO_UNAVAILABLE',
      trigger: { kind: 'schedule' },
    });
    for (const delay of [5, 15, 60]) {
      expect(minutesUntil(failed)).toBe(delay);
      const next = await clinic.attempt(UNAVAILABLE);
      expect(next?.metadata).toMatchObject({
        retry_of: failed.id,
        trigger: { kind: 'retry', schedule: NIGHTLY.cron },
      });
      if (next) failed = next;
    }
    expect(failed.metadata.retry_at).toBeUndefined();
    expect(await clinic.attempt()).toBeUndefined();

    const again = await clinic.fire({ kind: 'rate-limited', resetAt: new Date() });
    expect(minutesUntil(again)).toBe(5);
    const success = await clinic.attempt();
    expect(success).toMatchObject({ status: 'completed', metadata: { retry_of: again.id } });
    expect(success?.metadata.retry_at).toBeUndefined();
    expect(await clinic.row()).toMatchObject({ retry_at: null, retry_attempt: 0 });
  });

  test('for 60 s of 503 at the firing is fresh ten minutes later, without a person', async ({
    databaseUrl,
  }) => {
    const clinic = await openClinic(databaseUrl);
    const firedAt = Date.now();
    const failed = await clinic.fire(UNAVAILABLE);
    expect(failed).toMatchObject({ status: 'failed', error_details: expect.stringContaining('503') });
    const state = async () => {
      const filter = { organizations: '*', states: [], after: 0, limit: 1, isPaused: false } as const;
      return (await readOverview(clinic.sql, filter)).rows[0]?.state;
    };
    expect(await state()).toBe('failed');
    // The scheduler looks each second: here each minute of a clock that runs ahead.
    for (let minute = 1; minute <= 10; minute += 1) {
      const deps = { ...clinic.deps, now: () => new Date(firedAt + minute * 60_000) };
      const started = (await startDueSyncs(deps)) + (await startDueAttempts(deps));
      if (started > 0) await clinic.ended();
    }
    expect(await clinic.latest()).toMatchObject({ status: 'completed', metadata: { retry_of: failed.id } });
    expect(await state()).toBe('ok');
    expect(await readFreshness(clinic.sql)).toMatchObject({ overdue: 0 });
    const runs = await clinic.sql`select metadata -> 'trigger' ->> 'kind' as kind from sync_logs order by id`;
    expect(runs.map(({ kind }) => kind)).toEqual(['schedule', 'retry']);
  });

  test('is not tried again after a success by hand, while everything rests, or when it fires sooner', async ({
    databaseUrl,
  }) => {
    const clinic = await openClinic(databaseUrl);
    await clinic.fire(UNAVAILABLE);
    await saveOrganization(clinic.database, 123, { paused: true });
    expect(await clinic.attempt()).toBeUndefined();
    await saveOrganization(clinic.database, 123, { paused: false });
    await setPause(clinic.sql, { paused: true }, { actor: 'anyone' });
    expect(await clinic.attempt()).toBeUndefined();
    await setPause(clinic.sql, { paused: false }, { actor: 'anyone' });
    await clinic.startByHand();
    expect(await clinic.attempt()).toBeUndefined();

    await clinic.fire(UNAVAILABLE);
    expect(await clinic.row()).toMatchObject({ retry_at: expect.any(String) });
    // The next attempt belongs to the schedule that is replaced.
    await saveOrganization(clinic.database, 123, { schedule: { ...NIGHTLY, cron: '* * * * *' } });
    expect(await clinic.row()).toMatchObject({ retry_at: null });
    expect((await clinic.fire(UNAVAILABLE)).metadata.retry_at).toBeUndefined();
  });

  test('waits for a run that is working', async ({ databaseUrl }) => {
    const clinic = await openClinic(databaseUrl);
    await clinic.fire(UNAVAILABLE);
    await clinic.sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (123, 'by_another_program', 'running', now() at time zone 'utc')`;
    expect(await clinic.attempt()).toBeUndefined();
    await clinic.sql`update sync_logs set status = 'completed', completed_at = now() at time zone 'utc' where status = 'running'`;
    const nudges: object[] = [];
    clinic.deps.bus.subscribe((nudge) => nudges.push(nudge));
    expect(await clinic.attempt()).toMatchObject({ metadata: { trigger: { kind: 'retry' } } });
    expect(nudges).toContainEqual({ organizations: [123], work: true });
  });
});

describe('a run by hand that fails', () => {
  test('is not tried again', async ({ databaseUrl }) => {
    const clinic = await openClinic(databaseUrl);
    expect((await clinic.startByHand(UNAVAILABLE)).metadata.retry_at).toBeUndefined();
    expect(await clinic.attempt()).toBeUndefined();
  });
});

describe('a key that Cliniko refuses', () => {
  test('is asked about at three firings, then rests until another key is stored', async ({ databaseUrl }) => {
    const clinic = await openClinic(databaseUrl);
    for (let firing = 1; firing <= 3; firing += 1) {
      expect(await clinic.row()).toMatchObject({ paused_at: null });
      const failed = await clinic.fire({ kind: 'unauthorised' });
      expect(failed.metadata.retry_at).toBeUndefined();
      // Neither counts a refusal by hand, nor does an outage interrupt the row.
      await clinic.startByHand({ kind: 'unauthorised' });
      if (firing < 3) await clinic.fire(UNAVAILABLE);
    }
    expect(await clinic.row()).toMatchObject({
      paused_at: expect.any(String),
      paused_reason: expect.stringContaining('refused the API key three scheduled times'),
      next_sync_at: null,
    });
    expect(await readFreshness(clinic.sql)).toMatchObject({ overdue: 0 });
    expect(await startDueSyncs(clinic.deps)).toBe(0);
    // A person who resumes it gives the key three more times.
    await saveOrganization(clinic.database, 123, { paused: false });
    expect(await clinic.row()).toMatchObject({ paused_at: null, key_refusals: 0 });
  });

  test('resumes the schedule when the stored one is replaced by one that Cliniko accepts', async ({
    databaseUrl,
  }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 5, organizations: [101] });
    const { sql } = server.database;
    const api = (path: string, init?: RequestInit) => server.as(server.admin, path, init);
    const pausedForKey = async () => {
      await putJson(api, '/organizations/101', { schedule: NIGHTLY });
      await sql`update organizations set paused_at = now(), paused_by = 'key', next_sync_at = null`;
    };
    const settings = async () => await (await api('/organizations/101')).json();
    await pausedForKey();
    await putJson(api, '/organizations/101/cliniko-credentials', { api_key: 'a-dead-key-au1' });
    expect(await settings()).toMatchObject({ paused: true, next_sync_at: null });
    await putJson(api, '/organizations/101/cliniko-credentials', { api_key: server.cliniko.apiKey });
    expect(await settings()).toMatchObject({ paused: false, next_sync_at: expect.any(String) });
    await pausedForKey();
    await api('/organizations/101/cliniko-credentials/verify', { method: 'POST' });
    expect(await settings()).toMatchObject({ paused: false });

    // The pause of a person stays, however good the key is.
    await pausedForKey();
    await sql`update organizations set paused_by = 'person'`;
    await api('/organizations/101/cliniko-credentials/verify', { method: 'POST' });
    for (const check of [true, false])
      await putJson(api, '/organizations/101/cliniko-credentials', { api_key: server.cliniko.apiKey, check });
    expect(await settings()).toMatchObject({ paused: true, next_sync_at: null });
  });

  test('resumes the schedule when the server starts with a configured key that Cliniko accepts', async ({
    databaseUrl,
  }) => {
    const clinic = (apiKey: string) => ({ clinic: { organizationId: 101, apiKey } });
    const first = await startTestServer(databaseUrl, {
      patients: 5,
      organizations: [],
      config: clinic('a-dead-key-au1'),
    });
    const { cliniko } = first;
    await putJson(first.api, '/organizations/101', { schedule: NIGHTLY });
    const sql = connectInTest(databaseUrl);
    for (const [apiKey, isAway, paused] of [
      ['another-dead-key-au1', false, true],
      [cliniko.apiKey, false, false],
      [cliniko.apiKey, true, true],
      [cliniko.apiKey, false, false],
    ] as const) {
      await sql`update organizations set paused_at = now(), paused_by = 'key', next_sync_at = null`;
      if (isAway) cliniko.faults.onEvery({ kind: 'status', status: 503 });
      else cliniko.faults.clear();
      const { api } = await startTestServer(databaseUrl, {
        cliniko,
        organizations: [],
        config: clinic(apiKey),
      });
      const settings = await (await api('/organizations/101')).json();
      expect(settings).toMatchObject({ paused, next_sync_at: paused ? null : expect.any(String) });
    }
  });
});

describe('a success', () => {
  test('forgets refusals of the key', async ({ databaseUrl }) => {
    const clinic = await openClinic(databaseUrl);
    await clinic.fire({ kind: 'unauthorised' });
    expect(await clinic.row()).toMatchObject({ key_refusals: 1 });
    await clinic.startByHand();
    // The firing was in time.
    expect(await clinic.row()).toMatchObject({ key_refusals: 0, missed_at: null });
  });
});
