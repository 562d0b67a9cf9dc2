/** Runs with failures: unreadable pages, rejected records, workers that stop. */
import { describe, expect, vi } from 'vitest';
import { ClinikoError } from '../../src/cliniko/error.ts';
import type { PatientSource } from '../../src/cliniko/source.ts';
import { createActivity } from '../../src/sync/activity.ts';
import { claimNextRun, LeaseLostError } from '../../src/sync/lease.ts';
import { runningMetadata } from '../../src/sync/metadata.ts';
import { runSync } from '../../src/sync/run.ts';
import { INITIAL_STATE } from '../../src/sync/run-state.ts';
import { createSlots } from '../../src/sync/slots.ts';
import { publishProgress } from '../../src/sync/sync-log-row.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { STORING } from '../support/progress-display.ts';
import { people, person, scriptedSource } from '../support/scripted-source.ts';

describe('a run whose page cannot be read', () => {
  test('fails and keeps what it has stored', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const source = scriptedSource(people(60));
    source.onPage(4, () => {
      throw new ClinikoError({ kind: 'unreadable', status: 200 });
    });
    engine.work(source);
    await engine.start();

    expect(await engine.ended()).toMatchObject({
      status: 'failed',
      records_processed: 30,
      metadata: { error_type: 'CLINIKO_BAD_RESPONSE', retry_recommended: true, progress_percent: 50 },
    });
    expect(await engine.countPatients()).toBe(30);
  });
});

describe('a patient that Postgres rejects', () => {
  test('is quarantined alone; the other patients of the batch are stored and counted', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    await engine.sql`alter table patients add constraint no_13 check (last_name not in ('Last13', 'Last14'))`;
    engine.work(scriptedSource(people(40)));
    await engine.start();

    expect(await engine.ended()).toMatchObject({
      status: 'completed',
      records_processed: 40,
      records_success: 38,
      records_failed: 2,
      metadata: { inserted: 38, unchanged: 0, errors_total: 2 },
    });
    const kept =
      await engine.sql`select reason, cliniko_patient_id from quarantine order by cliniko_patient_id`;
    expect(kept.map((row) => row.cliniko_patient_id)).toEqual([person(13).id, person(14).id]);
  });
});

describe('a page that shifted', () => {
  test('contains patients twice: each counts once, and the newer version is kept', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    const newer = person(10, { first_name: 'Newer', updated_at: '2026-01-01T00:00:00Z' });
    const older = (n: number) => person(n, { first_name: 'Older', updated_at: '2020-01-01T00:00:00Z' });
    // In the batch of the newer version, and in a later one.
    const records = [...people(24).slice(10), older(24), person(25), older(15)];
    engine.work(scriptedSource([...people(10), newer, ...records]));
    await engine.start();

    expect(await engine.ended()).toMatchObject({
      status: 'completed',
      records_processed: 25,
      metadata: { patients_found: 25, patients_stored: 25, proof: { seen: 25, repairs: 3, proven: true } },
    });
    const ids = [10, 15, 24].map((n) => String(person(n).id));
    const names = await engine.sql`select first_name from patients
      where cliniko_patient_id = any(${ids}) order by cliniko_patient_id`;
    expect(names.map((row) => row.first_name)).toEqual(['Newer', 'First15', 'First24']);
  });
});

describe('a worker that stops', () => {
  test('releases its run; the next one continues at the page and record it had reached', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    const clinic = people(60);
    const first = scriptedSource(clinic);
    let reached = () => {};
    const page4 = new Promise<void>((resolve) => {
      reached = resolve;
    });
    // Page 4 never arrives while the first worker runs.
    first.onPage(4, (_query, { signal }) => {
      reached();
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    const leaving = engine.work(first);
    const id = await engine.start();
    await page4;
    await vi.waitFor(async () => expect((await engine.latest()).records_processed).toBe(30));
    await leaving.stop();
    expect((await engine.latest()).status).toBe('running');

    const second = scriptedSource(clinic);
    engine.work(second);
    const log = await engine.ended();

    expect(log).toMatchObject({ id, status: 'completed', records_processed: 60, metadata: { attempt: 2 } });
    expect(Math.min(...second.asked)).toBe(4);
    expect(await engine.countPatients()).toBe(60);
  });
});

describe('a worker that was frozen past its lease', () => {
  test('writes nothing when it resumes', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    await engine.start();
    const zombie = await claimNextRun(engine.database, 'zombie');
    if (zombie === undefined) throw new Error('nothing to claim');
    await engine.sql`update sync_runs set lease_expires_at = now() - interval '1 second'`;
    const successor = await claimNextRun(engine.database, 'successor');
    expect(successor).toMatchObject({ attempt: 2, lease: { epoch: 2 } });

    const before = await engine.latest();
    const { signal } = new AbortController();
    const slot = createSlots(1, () => {}).take();
    await runSync(zombie, engine.deps(scriptedSource(people(30))), signal, slot, createActivity());
    const writing = publishProgress(
      engine.database,
      zombie.lease,
      INITIAL_STATE,
      runningMetadata(INITIAL_STATE, STORING),
    );

    await expect(writing).rejects.toBeInstanceOf(LeaseLostError);
    expect(await engine.latest()).toEqual(before);
    expect(await engine.countPatients()).toBe(0);
  });
});

describe('a run that another program ended', () => {
  test('is not changed and not claimed again', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const source = scriptedSource(people(60));
    source.onPage(2, async (query, options) => {
      await engine.sql`update sync_logs set status = 'failed', completed_at = now(), error_details = 'by hand'`;
      return scriptedSource(people(60)).page(query, options);
    });
    engine.work(source);
    await engine.start();

    expect(await engine.ended()).toMatchObject({ status: 'failed', error_details: 'by hand' });
    await vi.waitFor(async () => {
      const [run] = await engine.sql`select ended_at from sync_runs`;
      expect(run?.ended_at).not.toBeNull();
    });
    expect(await claimNextRun(engine.database, 'somebody')).toBeUndefined();
  });

  test.for([
    ['was cancelled before', 'cancel_requested_at = now()'],
    ['was claimed too often without progress', 'fruitless_claims = 100'],
  ] as const)('is not claimed again when it %s', async ([, columns], { databaseUrl }) => {
    const { sql, ...engine } = await openEngine(databaseUrl);
    await engine.start();
    await sql.unsafe(`update sync_runs set ${columns}`);
    await sql`delete from sync_logs`;
    engine.work(scriptedSource(people(60)));
    await expect.poll(() => sql`select from sync_runs where ended_at is null`).toHaveLength(0);
  });
});

describe('a run whose checkpoint another version wrote', () => {
  test('begins again, and counts each patient', async ({ databaseUrl }) => {
    const { sql, ...engine } = await openEngine(databaseUrl);
    const id = await engine.start();
    const seen = people(10).map((one) => String(one.id));
    await sql`insert into sync_seen (sync_log_id, cliniko_patient_ids) values (${id}, ${seen}::text[])`;
    await sql`update sync_runs set attempt = 1, checkpoint = '{"of": "another version"}'`;
    engine.work(scriptedSource(people(30)));
    expect(await engine.ended()).toMatchObject({ status: 'completed', records_processed: 30 });
  });
});

describe('concurrent starts', () => {
  test('create one run', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const ids = await Promise.all(Array.from({ length: 50 }, () => engine.start()));

    expect(new Set(ids).size).toBe(1);
    const [count] = await engine.sql<{ runs: number; logs: number }[]>`
      select (select count(*)::int from sync_runs) as runs, (select count(*)::int from sync_logs) as logs`;
    expect(count).toEqual({ runs: 1, logs: 1 });
  });
});

describe('a wait for Cliniko', () => {
  test('is shown while it blocks the run, and removed afterwards', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const source = scriptedSource(people(30));
    const until = new Date(Date.now() + 60_000);
    let goOn = () => {};
    source.onPage(1, async (query, options) => {
      options.onWait?.({ until, reason: 'rate-limited' });
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      return scriptedSource(people(30)).page(query, options);
    });
    engine.work(source);
    await engine.start();
    await vi.waitFor(async () => {
      expect((await engine.latest()).metadata).toMatchObject({
        phase: 'waiting',
        waiting_until: until.toISOString(),
        waiting_reason: "Waiting for Cliniko's rate limit",
      });
    });
    goOn();

    const log = await engine.ended();
    expect(log.status).toBe('completed');
    expect(log.metadata).not.toHaveProperty('waiting_until');
  });

  test('ends with as many requests ahead as before it, when a slot is free', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const clinic = scriptedSource(people(60));
    let answerFirst = () => {};
    const ahead = new Set<() => void>();
    const source: PatientSource = {
      ...clinic,
      async page(query, options) {
        const isListPage = query.sort.startsWith('created_at');
        if (isListPage && query.page === 1) {
          options.onWait?.({ until: new Date(Date.now() + 60_000), reason: 'no-answer' });
          await new Promise<void>((resolve) => {
            answerFirst = resolve;
          });
        }
        // None of the next four pages is answered before all of them were requested.
        const isAhead = query.page >= 2 && query.page <= 5;
        if (isAhead && ahead.size < 4) {
          await new Promise<void>((resolve) => {
            ahead.add(resolve);
            if (ahead.size === 4) for (const answer of ahead) answer();
          });
        }
        return await clinic.page(query, options);
      },
    };
    engine.work(source);
    await engine.start();
    await vi.waitFor(async () => expect((await engine.latest()).metadata.phase).toBe('waiting'));
    answerFirst();
    expect(await engine.ended()).toMatchObject({ status: 'completed', records_processed: 60 });
  });
});
