/** One suite for both budgets: a key never exceeds its limit, for any adapter and any number of callers. */
import { describe, expect, onTestFinished } from 'vitest';
import { createPacer, type Pacer } from '../../src/cliniko/pacer.ts';
import { createPostgresBudget, deleteUnusedBudgets } from '../../src/cliniko/postgres-request-budget.ts';
import type { Budget, BudgetLimit } from '../../src/cliniko/request-budget.ts';
import { openDatabase } from '../../src/database/open.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { systemClock } from '../../src/timing/clock.ts';
import { connectInTest, test } from '../support/database.ts';
import { createMemoryBudget } from '../support/memory-budget.ts';

const LIMIT = { requests: 20, windowMs: 400 };

/** Two budgets for one key, as on two servers. */
type Open = (databaseUrl: string, limit: BudgetLimit) => [Budget, Budget];

const inMemory: Open = (_databaseUrl, limit) => {
  const shared = createMemoryBudget(limit, systemClock);
  return [shared, shared];
};

const inPostgres: Open = (databaseUrl, limit) => {
  const openOne = () => {
    const database = openDatabase(databaseUrl, { max: 2 });
    onTestFinished(() => database.close());
    return createPostgresBudget(database.sql, 'a-key', limit, systemClock);
  };
  return [openOne(), openOne()];
};

const never = new AbortController().signal;

/** A budget that notes when it counted each request, and how long it made its pacer wait. */
function watch(budget: Budget) {
  const seen = { grants: [] as Counted[], waitedMs: 0 };
  const watched: Budget = {
    ...budget,
    async take(wanted) {
      const from = Date.now();
      const notice = await budget.take(wanted);
      const to = Date.now();
      if (notice === undefined) seen.grants.push({ from, to, requests: 1 });
      else seen.waitedMs += Math.max(0, notice.until.getTime() - to);
      return notice;
    },
  };
  return { seen, pacer: createPacer(watched, systemClock) };
}

/** Requests that the budget counted at one moment: between these two, in milliseconds. */
interface Counted {
  from: number;
  to: number;
  requests: number;
}

/** The database notes each block of requests that is counted from now on, by its own clock. @returns reads them */
async function noteReservations(databaseUrl: string): Promise<() => Promise<Counted[]>> {
  const sql = connectInTest(databaseUrl);
  await sql.unsafe(`create table reserved (at timestamptz, requests integer);
    create function note() returns trigger language plpgsql as
      $$ begin insert into reserved values (new.at, new.requests); return null; end $$;
    create trigger note after insert on request_reservations for each row execute function note()`);
  return async () => [
    ...(await sql<Counted[]>`
      select floor(ms)::float8 as from, ceil(ms)::float8 as to, requests
      from (select extract(epoch from at) * 1000 as ms, requests from reserved) as noted`),
  ];
}

/** Sends requests, four at a time, like a sync. */
async function spend(pacers: readonly Pacer[], forMs: number): Promise<void> {
  const end = performance.now() + forMs;
  const asker = async (pacer: Pacer): Promise<void> => {
    while (performance.now() < end) await pacer.take({ signal: never });
  };
  await Promise.all(pacers.flatMap((pacer) => Array.from({ length: 4 }, () => asker(pacer))));
}

for (const [name, open] of [
  ['in memory', inMemory],
  ['in Postgres', inPostgres],
] as const) {
  describe(`a budget ${name}`, () => {
    test('is fully used and never exceeded in any window by two servers', async ({ databaseUrl }) => {
      const watched = open(databaseUrl, LIMIT).map(watch);
      const readReservations = await noteReservations(databaseUrl);
      await spend(
        watched.map(({ pacer }) => pacer),
        3_000,
      );

      const grants = watched.flatMap(({ seen }) => seen.grants);
      const reserved = await readReservations();
      // Only the budget in Postgres reserves.
      const counted = reserved.length > 0 ? reserved : grants;
      for (const { from: start } of counted) {
        const within = counted.filter(({ from, to }) => from >= start && to < start + LIMIT.windowMs);
        expect(within.reduce((sum, { requests }) => sum + requests, 0)).toBeLessThanOrEqual(LIMIT.requests);
      }
      // A slow machine sends less, and waits less.
      const waitedMs = Math.max(...watched.map(({ seen }) => seen.waitedMs));
      expect(grants.length).toBeGreaterThan((waitedMs / LIMIT.windowMs) * LIMIT.requests * 0.7);
    });

    test('that Cliniko limits is paused on all servers', async ({ databaseUrl }) => {
      const [one, other] = open(databaseUrl, { requests: 1_000 });
      expect(await other.take(1)).toBeUndefined();
      const until = Date.now() + 60_000;
      one.pauseUntil(new Date(until));

      for (const budget of [one, other]) {
        const notice = await budget.take(1);
        expect(notice).toMatchObject({ reason: 'rate-limited' });
        // Each server uses its own clock; the database's clock may differ a little.
        expect(Math.abs((notice?.until.getTime() ?? 0) - until)).toBeLessThan(1_000);
        expect(budget.estimateMs(1)).toBeGreaterThan(50_000);
      }
    });

    test('sends a short sync at once, and estimates the wait of a long one', async ({ databaseUrl }) => {
      const [budget] = open(databaseUrl, LIMIT);
      const pacer = createPacer(budget, systemClock);
      expect(pacer.estimateMs(LIMIT.requests)).toBe(0);
      for (let n = 0; n < LIMIT.requests; n++) await pacer.take({ signal: never });

      expect(pacer.estimateMs(0)).toBe(0);
      expect(pacer.estimateMs(1)).toBeLessThanOrEqual(LIMIT.windowMs);
      const long = pacer.estimateMs(3 * LIMIT.requests);
      expect(long).toBeGreaterThan(2 * LIMIT.windowMs - 50);
      expect(long).toBeLessThanOrEqual(3 * LIMIT.windowMs);
    });
  });
}

describe('a budget whose database is unavailable', () => {
  test('sends no request, reports the wait, and releases an aborted request', async () => {
    const database = openDatabase('postgres://nobody:x@127.0.0.1:1/none', { max: 1 });
    onTestFinished(() => database.close());
    const budget = createPostgresBudget(database.sql, 'a-key', LIMIT, systemClock);
    const stop = new AbortController();
    const asking = createPacer(budget, systemClock).take({
      signal: stop.signal,
      onWait: () => stop.abort(new Error('enough')),
    });
    await expect(asking).rejects.toThrow('enough');
  });
});

describe('two keys', () => {
  test('have separate budgets', async ({ databaseUrl }) => {
    const database = openDatabase(databaseUrl, { max: 2 });
    onTestFinished(() => database.close());
    const budgetOf = (key: string) => createPostgresBudget(database.sql, key, { requests: 1 }, systemClock);
    expect(await budgetOf('one').take(1)).toBeUndefined();
    expect(await budgetOf('other').take(1)).toBeUndefined();
    expect(await budgetOf('one').take(1)).toMatchObject({ reason: 'pacing' });
    const [row] =
      await database.sql`select count(*)::int as keys from request_budgets where key_hash like '%one%'`;
    expect(row?.keys).toBe(0);
  });
});

describe('a budget in a database without its tables', () => {
  test('throws instead of waiting forever', async ({ databaseUrl }) => {
    const database = openDatabase(databaseUrl, { max: 1 });
    onTestFinished(() => database.close());
    await database.sql`drop function reserve_requests`;
    const budget = createPostgresBudget(database.sql, 'a-key', LIMIT, systemClock);
    await expect(budget.take(1)).rejects.toThrow('reserve_requests');
  });
});

describe('a budget in Postgres whose clock was ahead', () => {
  test.for([
    [
      'reservations',
      `insert into request_reservations (key_hash, at, requests)
      select key_hash, clock_timestamp() + interval '1 hour', 200 from request_budgets`,
    ],
    ['pauses', `update request_budgets set paused_until = clock_timestamp() + interval '1 hour'`],
  ])('ignores %s of that time', async ([, write = ''], { databaseUrl }) => {
    const database = openDatabase(databaseUrl, { max: 2 });
    onTestFinished(() => database.close());
    const open = () => createPostgresBudget(database.sql, 'a-key', { requests: 200 }, systemClock);
    expect(await open().take(1)).toBeUndefined();
    await database.sql.unsafe(write);
    expect(await open().take(1)).toBeUndefined();
    // A new pause from Cliniko still applies.
    await database.sql.unsafe(write);
    open().pauseUntil(new Date(Date.now() + 60_000));
    await expect.poll(() => open().take(1)).toMatchObject({ reason: 'rate-limited' });
  });
});

test('the budget of a key that is not used any more is deleted, with its reservations', async ({
  databaseUrl,
}) => {
  const database = openDatabase(databaseUrl, { max: 2 });
  onTestFinished(() => database.close());
  const { sql } = database;
  await sql`insert into request_budgets (key_hash, paused_until) values ('checked', null), ('used', null),
    ('replaced', now() - interval '2 hours'), ('paused', now() + interval '1 minute'),
    ('of a clock that was ahead', now() + interval '2 hours')`;
  await sql`insert into request_reservations (key_hash, at, requests) values ('checked', now() - interval '2 hours', 1),
    ('of a clock that was ahead', now() + interval '2 hours', 1), ('used', now() - interval '2 hours', 1),
    ('used', now() - interval '2 seconds', 1)`;
  const logger = createLogger({ level: 'fatal', format: 'json', colour: false });
  const stop = await deleteUnusedBudgets(database, logger);
  stop();

  expect(await sql`select key_hash from request_budgets order by key_hash`).toEqual([
    { key_hash: 'paused' },
    { key_hash: 'used' },
  ]);
  expect(await sql`select key_hash from request_reservations`).toEqual([{ key_hash: 'used' }]);
});
