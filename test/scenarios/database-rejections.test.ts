/** A database that responds but rejects the work: a full disk (SQLSTATE 53100), a statement timeout (57014). */
import { describe, expect } from 'vitest';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, person, scriptedSource } from '../support/scripted-source.ts';

type Engine = Awaited<ReturnType<typeof openEngine>>;

/** @param patient the Cliniko id of the only one that is refused; default: all */
async function refuseWork({ sql }: Engine, sqlstate = '53100', patient = '%'): Promise<void> {
  await sql.unsafe(`create function refuse_work() returns trigger language plpgsql as
    $$ begin raise exception 'refused' using errcode = '${sqlstate}'; end $$`);
  await sql.unsafe(`create trigger refuse_work before insert on patients for each row
    when (new.cliniko_patient_id like '${patient}') execute function refuse_work()`);
}

const attempts = async ({ sql }: Engine): Promise<number> => {
  const [run] = await sql<{ attempt: number }[]>`select attempt from sync_runs`;
  return run?.attempt ?? 0;
};

/** From now on the database notes when each claim came. */
const noteClaims = ({ sql }: Engine) =>
  sql.unsafe(`create table claims (attempt integer, at timestamptz default clock_timestamp());
    create function note_claim() returns trigger language plpgsql as
      $$ begin insert into claims (attempt) values (new.attempt); return null; end $$;
    create trigger note_claim after update on sync_runs for each row
      when (new.attempt > old.attempt) execute function note_claim()`);

/** How many runs are open, and how many of them were claimed more than once. */
const claims = async ({ sql }: Engine) => {
  const [row] = await sql`select count(*) filter (where ended_at is null and attempt > 1)::int as repeated,
    count(*) filter (where ended_at is not null)::int - 1 as ended from sync_runs`;
  return row;
};

const clinic = () => scriptedSource(people(30));

describe('a run whose work the database rejects', () => {
  test('is claimed again with growing delays, and completes when there is space', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    await refuseWork(engine);
    await noteClaims(engine);
    const worker = engine.work(clinic());
    await engine.start();
    await expect.poll(() => attempts(engine)).toBeGreaterThan(3);
    const [row] = await engine.sql<{ seconds: number }[]>`
      select extract(epoch from max(at) - min(at))::float8 as seconds from claims where attempt in (3, 4)`;
    expect(row?.seconds).toBeGreaterThan(0.9);

    await engine.sql`drop trigger refuse_work on patients`;
    expect(await engine.ended()).toMatchObject({ status: 'completed', records_success: 30 });
    await worker.stop();
  });

  test.for(['53100', '57014'])(
    'fails in the end, and names the database as the cause (%s)',
    async (sqlstate, { databaseUrl }) => {
      const engine = await openEngine(databaseUrl);
      await refuseWork(engine, sqlstate);
      await engine.start();
      await engine.sql`update sync_runs set fruitless_claims = 19`;
      const worker = engine.work(clinic());
      expect(await engine.ended()).toMatchObject({
        status: 'failed',
        error_details: expect.stringContaining(`SQLSTATE ${sqlstate}`),
        metadata: { error_type: 'DATABASE_UNAVAILABLE', retry_recommended: true },
      });
      await worker.stop();
    },
  );

  test('is claimed as often again once it has stored something', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    await refuseWork(engine, '53100', String(person(20).id));
    await engine.start();
    await engine.sql`update sync_runs set fruitless_claims = 19`;
    const worker = engine.work(clinic());
    await expect.poll(() => attempts(engine)).toBeGreaterThan(2);
    const [left] = await engine.sql`select status, records_processed > 0 as moved from sync_logs`;
    expect(left).toEqual({ status: 'running', moved: true });

    await engine.sql`drop trigger refuse_work on patients`;
    expect(await engine.ended()).toMatchObject({ status: 'completed', records_success: 30 });
    await worker.stop();
  });

  test('only at its end fails too: reading the same pages again is no progress', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    await engine.syncWith(clinic());
    await engine.sql.unsafe(`create function refuse_end() returns trigger language plpgsql as
      $$ begin raise exception 'too slow' using errcode = '57014'; end $$`);
    await engine.sql`create trigger refuse_end before update on patients for each row
      when (new.missing_since is not null) execute function refuse_end()`;
    await engine.start();
    // Half of the clinic was deleted, and each catch-up scan reads the others again.
    const changed = people(15).map((record) => ({ ...record, updated_at: new Date().toISOString() }));
    const worker = engine.work(scriptedSource(changed));
    await expect.poll(() => claims(engine), { timeout: 10_000 }).toMatchObject({ ended: 0, repeated: 1 });
    await engine.sql`update sync_runs set fruitless_claims = 19 where ended_at is null`;
    expect(await engine.ended()).toMatchObject({
      status: 'failed',
      records_success: 15,
      metadata: { error_type: 'DATABASE_UNAVAILABLE', solution: expect.any(String) },
    });
    await worker.stop();
  });

  test('that crashes every worker is not claimed forever', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    await engine.start();
    await engine.sql`update sync_runs set fruitless_claims = 20`;
    const worker = engine.work(clinic());
    expect(await engine.ended()).toMatchObject({
      status: 'failed',
      metadata: { error_type: 'SYNC_INTERRUPTED', retry_recommended: true },
    });
    await worker.stop();
  });
});
