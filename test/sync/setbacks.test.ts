/** A database that answers, and refuses the work: a full disk (SQLSTATE 53100), a statement that took too long (57014). */
import { describe, expect } from 'vitest';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';

type Engine = Awaited<ReturnType<typeof openEngine>>;

async function refuseWork({ sql }: Engine, sqlstate = '53100'): Promise<void> {
  await sql.unsafe(`create function refuse_work() returns trigger language plpgsql as
    $$ begin raise exception 'refused' using errcode = '${sqlstate}'; end $$`);
  await sql`create trigger refuse_work before insert on patients execute function refuse_work()`;
}

const attempts = async ({ sql }: Engine): Promise<number> => {
  const [run] = await sql<{ attempt: number }[]>`select attempt from sync_runs`;
  return run?.attempt ?? 0;
};

const clinic = () => scriptedSource(people(30));

describe('a run whose work the database refuses', () => {
  test('is taken up again, later and later, and completes when there is room', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    await refuseWork(engine);
    const worker = engine.work(clinic());
    await engine.start();
    await expect.poll(() => attempts(engine)).toBe(3);
    const began = performance.now();
    await expect.poll(() => attempts(engine), { timeout: 10_000 }).toBe(4);
    // The poll that noticed the third attempt may have come late, by less than that.
    expect(performance.now() - began).toBeGreaterThan(500);

    await engine.sql`drop trigger refuse_work on patients`;
    expect(await engine.ended()).toMatchObject({ status: 'completed', records_success: 30 });
    await worker.stop();
  }, 30_000);

  test.for(['53100', '57014'])(
    'fails in the end, and says that it is the database (%s)',
    async (sqlstate, { databaseUrl }) => {
      const engine = await openEngine(databaseUrl);
      await refuseWork(engine, sqlstate);
      await engine.start();
      await engine.sql`update sync_runs set fruitless_claims = 19`;
      const worker = engine.work(clinic());
      expect(await engine.ended()).toMatchObject({
        status: 'failed',
        metadata: { error_type: 'DATABASE_UNAVAILABLE', retry_recommended: true },
      });
      await worker.stop();
    },
  );

  test('that ends every worker is not taken up for ever', async ({ databaseUrl }) => {
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
