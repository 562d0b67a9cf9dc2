/**
 * The guarantees of our patch of postgres.js (patches/README.md), on a real PostgreSQL. Each test fails without its hunk.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { type ConnectionOptions, connect, THROUGH_POOLER } from '../../src/database/driver.ts';
import { sendCommit } from '../../src/database/send-commit.ts';
import { connectInTest, test } from '../support/database.ts';
import { refusalOf } from '../support/postgres.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';

function open(url: string, options: ConnectionOptions = {}) {
  const sql = connect(url, { max: 1, ...options });
  onTestFinished(() => sql.end({ timeout: 0 }));
  return sql;
}

/** Sends some rows, then stays busy: a read that can be ended during its answer. */
const SLOW_READ = `select n, repeat('x', 100), case when n > 2000 then pg_sleep(60) end from generate_series(1, 4000) n`;

const pidOf = async (sql: ReturnType<typeof connect>) => {
  const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  return row?.pid ?? 0;
};

const numbers = (rows: readonly unknown[]) => rows.map((row) => (row as { n: number } | undefined)?.n);

describe('a read that ends in the middle of its answer', () => {
  test('by pg_cancel_backend leaves the next answer of the connection whole', async ({ databaseUrl }) => {
    const sql = open(databaseUrl);
    const other = connectInTest(databaseUrl);
    const pid = await pidOf(sql);
    const read = sql.unsafe(SLOW_READ).catch(refusalOf);
    await vi.waitFor(async () => {
      const [row] = await other`select pg_cancel_backend(pid) from pg_stat_activity
        where pid = ${pid} and wait_event = 'PgSleep'`;
      if (row === undefined) throw new Error('It does not sleep yet.');
    });
    expect(await read).toBe('57014');
    expect(await pidOf(sql)).toBe(pid);
    expect(numbers(await sql`select n from generate_series(1, 3) n`)).toEqual([1, 2, 3]);
  });

  test('by statement_timeout leaves it whole, also for prepared statements with parameters', async ({
    databaseUrl,
  }) => {
    const sql = open(databaseUrl);
    await sql`set statement_timeout = 200`;
    for (let round = 0; round < 3; round += 1) {
      expect(await sql.unsafe(SLOW_READ).catch(refusalOf)).toBe('57014');
      expect(numbers(await sql`select n from generate_series(1, ${3}::int) n`)).toEqual([1, 2, 3]);
    }
  });

  test('leaves those whole that were sent behind it', async ({ databaseUrl }) => {
    const sql = open(databaseUrl);
    const failing = () => sql`select n, 1 / (4 - n) from generate_series(1, 10) n`.catch(refusalOf);
    const reading = (most: number) => sql`select n from generate_series(1, ${most}::int) n`;
    const [first, second, third, fourth] = await Promise.all([failing(), reading(2), failing(), reading(3)]);
    expect([first, third]).toEqual(['22012', '22012']);
    expect([numbers(second as unknown[]), numbers(fourth as unknown[])]).toEqual([
      [1, 2],
      [1, 2, 3],
    ]);
  });

  test('by the end of its connection leaves no error and no row for the next one', async ({
    databaseUrl,
  }) => {
    const sql = open(databaseUrl);
    const other = connectInTest(databaseUrl);
    const pid = await pidOf(sql);
    const read = sql.unsafe(SLOW_READ).catch((error: Error) => error);
    await vi.waitFor(async () => {
      const [row] = await other`select pg_terminate_backend(pid) from pg_stat_activity
        where pid = ${pid} and wait_event = 'PgSleep'`;
      if (row === undefined) throw new Error('It does not sleep yet.');
    });
    expect(await read).toBeInstanceOf(Error);
    expect(numbers(await sql`select n from generate_series(1, 3) n`)).toEqual([1, 2, 3]);
  });
});

describe('a transaction', () => {
  test('ends with its connection: its later statements run nowhere', async ({ databaseUrl }) => {
    const sql = open(databaseUrl);
    const other = connectInTest(databaseUrl);
    await other`create table outside (id int)`;
    let late: Promise<unknown> = Promise.resolve();
    const transaction = sql.begin(async (tx) => {
      const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
      await other`select pg_terminate_backend(${row?.pid ?? 0})`;
      // Another query opens the connection again.
      await vi.waitFor(() => sql`select 1`);
      late = tx`insert into outside values (1)`.catch((error: { code?: string }) => error.code);
      await late;
    });
    await expect(transaction).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    await vi.waitFor(async () => expect(await late).toBe('CONNECTION_CLOSED'));
    expect(await other`select * from outside`).toHaveLength(0);
  });

  test('has exclusive use of its connection, even when it begins behind a large statement', async ({
    databaseUrl,
  }) => {
    const sql = open(databaseUrl);
    const other = connectInTest(databaseUrl);
    await other`create table inside (id int)`;
    await sql`select 1`;
    const large = sql`select length(${'x'.repeat(4_000_000)})`;
    const transaction = sql.begin(async (tx) => {
      await tx`insert into inside values (1)`;
      throw new Error('Undo.');
    });
    const behind = sql`insert into inside values (2)`;
    await Promise.allSettled([large, transaction, behind]);
    expect(await other`select id from inside`).toEqual([{ id: 2 }]);
  });
});

test('transactions that begin at once on few connections each have one to themselves', async ({
  databaseUrl,
}) => {
  const sql = open(databaseUrl, { max: 2 });
  await sql`create table counter (n int)`;
  await sql`insert into counter values (0)`;
  const pids = new Map<number, number>();
  const transactions = Array.from({ length: 50 }, () =>
    sql.begin(async (tx) => {
      const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
      const pid = row?.pid ?? 0;
      pids.set(pid, (pids.get(pid) ?? 0) + 1);
      expect(pids.get(pid)).toBe(1);
      await tx`update counter set n = n + 1`;
      pids.set(pid, 0);
    }),
  );
  await Promise.all([...transactions, ...Array.from({ length: 20 }, () => sql`select 1`)]);
  expect(await sql`select n from counter`).toEqual([{ n: 50 }]);
});

test('a first statement that fails inside the driver fails its transaction at once', async ({
  databaseUrl,
}) => {
  const sql = open(databaseUrl);
  const failing = sql.begin((tx) => tx`select ${undefined as unknown as string}`);
  await expect(failing).rejects.toMatchObject({ code: 'UNDEFINED_VALUE' });
  expect(await sql`select 1 as n`).toEqual([{ n: 1 }]);
});

describe('a commit that is sent behind unanswered statements', () => {
  test.for<[string, ConnectionOptions]>([
    ['whether the session knows them or not', {}],
    ['one by one through a pooler', THROUGH_POOLER],
  ])('commits them %s, and frees the connection', async ([, options], { databaseUrl }) => {
    const sql = open(databaseUrl, options);
    await sql`create table sent (id int)`;
    for (const id of [1, 2, 3]) {
      await sql.begin(async (tx) => {
        const inserted = tx`insert into sent values (${id})`.execute();
        await Promise.all([inserted, sendCommit(tx)]);
      });
    }
    expect(await sql`select id from sent order by id`).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  });

  test('commits nothing when one of them fails, and the failure is reported', async ({ databaseUrl }) => {
    const sql = open(databaseUrl);
    await sql`create table sent (id int check (id > 0))`;
    const write = (id: number) =>
      sql.begin(async (tx) => {
        await tx`insert into sent values (10)`;
        const inserted = tx`insert into sent values (${id})`.execute();
        await Promise.all([inserted, sendCommit(tx)]);
      });
    await expect(write(-1)).rejects.toMatchObject({ code: '23514' });
    await expect(write(-2)).rejects.toMatchObject({ code: '23514' });
    expect(await sql`select id from sent`).toEqual([]);
    await write(1);
    expect(await sql`select id from sent order by id`).toEqual([{ id: 1 }, { id: 10 }]);
  });

  test('commits nothing when one of them fails inside the driver', async ({ databaseUrl }) => {
    const sql = open(databaseUrl);
    await sql`create table sent (id int)`;
    const write = (id: number | undefined) =>
      sql.begin(async (tx) => {
        await tx`insert into sent values (10)`;
        const inserted = tx`insert into sent values (${id as number})`.execute();
        await Promise.all([inserted, sendCommit(tx)]);
      });
    await expect(write(undefined)).rejects.toMatchObject({ code: 'UNDEFINED_VALUE' });
    expect(await sql`select id from sent`).toEqual([]);
    await write(1);
    expect(await sql`select id from sent order by id`).toEqual([{ id: 1 }, { id: 10 }]);
  });

  test('commits nothing when the plan of one of them is outdated, and the next transaction has a new plan', async ({
    databaseUrl,
  }) => {
    const sql = open(databaseUrl);
    await sql`create table sent (id int)`;
    await sql`create table changing (id int)`;
    const write = () =>
      sql.begin(async (tx) => {
        await tx`insert into sent values (1)`;
        const read = tx`select * from changing`.execute();
        await Promise.all([read, sendCommit(tx)]);
      });
    await write();
    await connectInTest(databaseUrl)`alter table changing add column name text`;
    await expect(write()).rejects.toMatchObject({ code: '0A000' });
    expect(await sql`select id from sent`).toEqual([{ id: 1 }]);
    await write();
    expect(await sql`select id from sent`).toEqual([{ id: 1 }, { id: 1 }]);
  });

  test('reports a failed statement that was not awaited', async ({ databaseUrl }) => {
    const sql = open(databaseUrl);
    await sql`create table sent (id int check (id > 0))`;
    const write = sql.begin(async (tx) => {
      await tx`insert into sent values (10)`;
      void tx`insert into sent values (-1)`.execute();
      await sendCommit(tx);
    });
    await expect(write).rejects.toMatchObject({ code: '23514' });
    expect(await sql`select id from sent`).toEqual([]);
  });

  test('is the last statement: a later one is rejected, and runs nowhere', async ({ databaseUrl }) => {
    const sql = open(databaseUrl);
    await sql`create table sent (id int)`;
    const late = sql.begin(async (tx) => {
      const commit = sendCommit(tx);
      await Promise.all([commit, tx`insert into sent values (1)`]);
    });
    await expect(late).rejects.toMatchObject({ code: 'TRANSACTION_COMMITTED' });
    expect(await sql`select id from sent`).toEqual([]);
  });

  test('leaves no transaction open when the connection ends before it', async ({ databaseUrl }) => {
    const sql = open(databaseUrl);
    const other = connectInTest(databaseUrl);
    await other`create table sent (id int)`;
    const cut = sql.begin(async (tx) => {
      const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
      await tx`insert into sent values (1)`;
      const ending = tx`select pg_terminate_backend(${row?.pid ?? 0}), pg_sleep(10)`.execute();
      await Promise.all([ending, sendCommit(tx)]);
    });
    await expect(cut).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect(await sql`select id from sent`).toEqual([]);
  });
});

describe('a connection', () => {
  test('that is silent for the limit is closed, and all that are silent with it', async ({ databaseUrl }) => {
    const network = await openTcpProxy(databaseUrl);
    const sql = open(network.url, { max: 3, answer_timeout: 1 });
    await Promise.all([1, 2, 3].map(() => sql`select pg_sleep(0.2)`));
    await delay(1_100); // Idle, and longer than the limit: that alone is no fault.
    network.goSilent();
    const asked = [1, 2, 3, 4, 5, 6, 7].map(() => sql`select 1`);
    const transaction = sql.begin((tx) => tx`select 1`);
    // Every query ends: those that waited for a connection get a new one.
    const [first] = await Promise.allSettled([...asked, transaction]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'CONNECTION_SILENT' } });
    const answers = await Promise.all([1, 2, 3].map(() => sql`select pg_sleep(0.2), 1 as n`));
    expect(answers.map(([row]) => row?.n)).toEqual([1, 1, 1]);
  });

  test('that is silent from its first statement on is closed too', async ({ databaseUrl }) => {
    const sql = open(databaseUrl, { answer_timeout: 1 });
    await expect(sql`select pg_sleep(60)`).rejects.toMatchObject({ code: 'CONNECTION_SILENT' });
    expect(await sql`select 1 as n`).toEqual([{ n: 1 }]);
  });

  test('that receives an answer in pieces is not silent', async ({ databaseUrl }) => {
    const sql = open(databaseUrl, { answer_timeout: 1 });
    const rows = await sql`
      select n, repeat('x', 9000), pg_sleep(0.3) from generate_series(1, 6) n`;
    expect(numbers(rows)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('that is abandoned leaves no statement running', async ({ databaseUrl }) => {
    const sql = open(databaseUrl, { answer_timeout: 1 });
    const other = connectInTest(databaseUrl);
    const pid = await pidOf(sql);
    await expect(sql`select pg_sleep(60)`).rejects.toMatchObject({ code: 'CONNECTION_SILENT' });
    await vi.waitFor(async () =>
      expect(await other`select 1 from pg_stat_activity where pid = ${pid}`).toHaveLength(0),
    );
  });

  test('to a database that became read-only is closed (25006)', async ({ databaseUrl }) => {
    const sql = open(databaseUrl);
    await sql`create table written (id int)`;
    await sql`set default_transaction_read_only = on`;
    expect(await sql`insert into written values (1)`.catch(refusalOf)).toBe('25006');
    await sql`insert into written values (2)`;
    await sql`set default_transaction_read_only = on`;
    const transaction = sql.begin((tx) => tx`insert into written values (3)`);
    await expect(transaction).rejects.toThrow();
    await sql`insert into written values (4)`;
    expect(await sql`select id from written order by id`).toEqual([{ id: 2 }, { id: 4 }]);
  });
});
