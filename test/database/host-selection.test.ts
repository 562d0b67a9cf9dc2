/** The choice of the host of an address: a Unix socket, or the first of several that answers and is writable. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectTcp, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { test } from '../support/database.ts';

async function answerOf(address: string): Promise<unknown> {
  const database = openDatabase(address, { max: 2 });
  try {
    const [row] = await database.sql<{ one: number }[]>`select 1 as one`;
    return row?.one;
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  } finally {
    await database.close();
  }
}

test('a Unix socket, as Cloud SQL mounts one', async ({ databaseUrl }) => {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const folder = await mkdtemp(join(tmpdir(), 'cloudsql:'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const server = createServer((client) => {
    const database = connectTcp(Number(port), hostname);
    for (const one of [client, database]) one.on('error', () => database.destroy());
    client.pipe(database).pipe(client);
  });
  server.listen(join(folder, '.s.PGSQL.5432'));
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const login = `${username}:${password}`;
  expect(await answerOf(`postgres://${login}@${pathname}?host=${folder}`)).toBe(1);
  expect(await answerOf(`postgres://${login}@${encodeURIComponent(folder)}${pathname}`)).toBe(1);
  expect(
    await answerOf(`host=${folder} user=${username} password=${password} dbname=${pathname.slice(1)}`),
  ).toBe(1);
});

test('the first of several hosts that answers and is in the requested state', async ({ databaseUrl }) => {
  const url = new URL(databaseUrl);
  const listed = (query: string) =>
    `postgres://${url.username}:${url.password}@127.0.0.1:1,${url.host}${url.pathname}?${query}`;
  expect(await answerOf(listed(''))).toBe(1);
  expect(await answerOf(listed('target_session_attrs=primary&load_balance_hosts=random'))).toBe(1);
  expect(await answerOf(listed('target_session_attrs=prefer-standby'))).toBe(1);
  expect(await answerOf(listed('target_session_attrs=standby'))).toBe('CONNECT_WRONG_SESSION');
});
