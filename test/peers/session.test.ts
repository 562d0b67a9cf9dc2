/** pgbouncer refuses startup parameters, so behind it the settings of a session are pinned another way. */
import { describe, expect, onTestFinished } from 'vitest';
import { checkListen } from '../../src/cli/doctor/database-checks.ts';
import { openDatabase } from '../../src/database/open.ts';
import { connectInTest, test } from '../support/database.ts';
import { connectPostgres } from '../support/postgres.ts';
import { startTestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { startPgbouncer } from './support/pgbouncer.ts';

describe.for(['transaction', 'session'] as const)('pgbouncer that pools by %s', (mode) => {
  test('gives the engine the sessions that it needs, also those that were open before', async ({
    databaseUrl,
  }) => {
    const direct = connectInTest(databaseUrl);
    const database = new URL(databaseUrl).pathname.slice(1);
    await direct.unsafe(`alter database ${database} set default_transaction_isolation = 'serializable';
      alter database ${database} set search_path = 'elsewhere'; alter database ${database} set row_security = off`);
    const pooled = await startPgbouncer(databaseUrl, mode);
    const before = connectPostgres(pooled, { max: 5, prepare: false });
    await Promise.all([1, 2, 3, 4, 5].map(() => before`select pg_sleep(0.2)`));
    await before.end();

    const listen = mode === 'transaction' ? { listenDatabaseUrl: databaseUrl } : {};
    const server = await startTestServer(pooled, { patients: 250, config: listen });
    const sql = connectInTest(pooled, { prepare: false });
    expect(await sql`show default_transaction_isolation`).toMatchObject([
      { default_transaction_isolation: 'read committed' },
    ]);
    expect(await sql`show search_path`).toMatchObject([{ search_path: 'public' }]);
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await stream.until((sent) => sent.length === 2);
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    expect((await stream.until(hasEnded)).at(-1)?.event).toBe('completed');
  });
});

describe('a pool behind pgbouncer that pools transactions', () => {
  test('gets the answer to each of many statements of one connection', async ({ databaseUrl }) => {
    const pooled = await startPgbouncer(databaseUrl);
    const { sql, close } = openDatabase(pooled, { max: 1, throughPooler: true, answerLimitMs: 5_000 });
    onTestFinished(close);
    const numbers = Array.from({ length: 40 }, (_, n) => n);
    // Statements with and without parameters have different protocol messages.
    const answers = numbers.map(async (n) => {
      const [row] = await (n % 2 === 0 ? sql`select ${n}::int as n` : sql.unsafe(`select ${n} as n`));
      return row?.n;
    });
    expect(await Promise.all(answers)).toEqual(numbers);
  });
});

describe('the doctor', () => {
  test('finds a pooler that drops LISTEN', async ({ databaseUrl }) => {
    expect(await checkListen(databaseUrl)).toMatchObject({ check: 'listen', state: 'ok' });
    expect(await checkListen(await startPgbouncer(databaseUrl))).toMatchObject({
      check: 'listen',
      state: 'error',
      detail: expect.stringContaining('LISTEN_DATABASE_URL'),
    });
  });
});
