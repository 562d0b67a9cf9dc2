import { describe, expect, onTestFinished } from 'vitest';
import { createRowLevelSecurity } from '../../src/access/row-level-security.ts';
import { openDatabase } from '../../src/database/open.ts';
import { beginTerminatingBlockers } from '../../src/database/terminate-blockers.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { connectInTest, test } from '../support/database.ts';

describe('a transaction that terminates idle blockers', () => {
  test('terminates an idle session even behind an active one that waits for it', async ({ databaseUrl }) => {
    const open = () => {
      const sql = connectInTest(databaseUrl, { max: 2 });
      return sql;
    };
    const [idle, busy, ours] = [open(), open(), open()];
    await ours`create table things (id integer)`;
    await ours`insert into things values (1), (2)`;
    let behind: Promise<unknown> = Promise.resolve();
    const dead = idle.begin(async (tx) => {
      await tx`update things set id = id where id = 1`;
      behind = busy.begin(async (other) => {
        await other`update things set id = id where id = 2`;
        await other`update things set id = id where id = 1`;
      });
      await expect
        .poll(
          () => ours`select from pg_stat_activity
            where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`,
        )
        .toHaveLength(1);
      await beginTerminatingBlockers(ours, (own) => own`update things set id = id where id = 2`);
    });

    await expect(dead).rejects.toThrow();
    await behind;
  });

  test('leaves the rest of the pool free, however many transactions wait for the same row', async ({
    databaseUrl,
  }) => {
    const pool = openDatabase(databaseUrl, { max: 10 });
    onTestFinished(() => pool.close());
    const foreign = connectInTest(databaseUrl);
    await pool.sql`create table things (id integer)`;
    await pool.sql`insert into things values (1)`;
    await foreign`begin`;
    await foreign`update things set id = id`;
    const waiting = Array.from({ length: 12 }, () =>
      beginTerminatingBlockers(pool.sql, (tx) => tx`update things set id = id where id = 1`),
    );
    expect(await Promise.race([pool.sql`select 1 as n`, Promise.all(waiting)])).toEqual([{ n: 1 }]);
    await Promise.all(waiting);
    await foreign`rollback`.catch(() => {});
  });

  test('has its turn with those of the sync engine also when a route begins it', async ({ databaseUrl }) => {
    // With three connections: one turn at a time.
    const pool = openDatabase(databaseUrl, { max: 3 });
    onTestFinished(() => pool.close());
    const logger = createLogger({ level: 'fatal', format: 'json', colour: false });
    const { database: ofRoutes } = await createRowLevelSecurity(pool, logger);
    await Promise.all([1, 2, 3].map(() => pool.sql`select`));
    const begun: string[] = [];
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const first = beginTerminatingBlockers(pool.sql, async () => {
      begun.push('engine');
      await ended;
    });
    await expect.poll(() => begun).toEqual(['engine']);
    const second = beginTerminatingBlockers(ofRoutes.sql, async () => void begun.push('route'));
    // The connections that are free answer, more often than it takes a transaction to begin.
    for (let trip = 0; trip < 50; trip += 1) await pool.sql`select`;
    expect(begun).toEqual(['engine']);
    end();
    await Promise.all([first, second]);
    expect(begun).toEqual(['engine', 'route']);
  });

  test('fails behind an active session', async ({ databaseUrl }) => {
    const pool = openDatabase(databaseUrl, { max: 3 });
    onTestFinished(() => pool.close());
    const foreign = connectInTest(databaseUrl);
    await pool.sql`create table things as select 1 as id`;
    const busy = foreign.unsafe('begin; update things set id = id; select pg_sleep(60)').catch(() => {});
    const sleeping = () => pool.sql<{ pid: number }[]>`
      select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;
    await expect.poll(sleeping).toHaveLength(1);
    const refused = beginTerminatingBlockers(pool.sql, (tx) => tx`update things set id = id`);
    await expect(refused).rejects.toMatchObject({ code: '55P03' });
    for (const { pid } of await sleeping()) await pool.sql`select pg_terminate_backend(${pid}::int)`;
    await busy;
  });
});
