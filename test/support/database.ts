/**
 * A PostgreSQL database for one test, cloned from the migrated template in about 20 ms.
 *
 * A database, not a transaction or a schema: a rolled-back transaction never sends a NOTIFY, and schemas share their
 * channels.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { test as base, inject, onTestFinished } from 'vitest';
import { type Connecting, connectPostgres, refusalOf } from './postgres.ts';

export interface TestDatabase {
  url: string;
  /** Works even while clients are connected. */
  drop(): Promise<void>;
}

/** A database with our tables and no rows. */
export function createTestDatabase(): Promise<TestDatabase> {
  return createDatabase(cloneTemplate);
}

/** A database without tables; the end of the test drops it. */
export async function createEmptyDatabase(): Promise<{ url: string; sql: Sql }> {
  const { url, drop } = await createDatabase(
    async (admin, name) => void (await admin`create database ${admin(name)}`),
  );
  onTestFinished(drop);
  return { url, sql: connectInTest(url) };
}

/** One connection by default to the database of a test; the end of the test closes it. */
export function connectInTest(url: string, options: Connecting = {}): Sql {
  const sql = connectPostgres(url, options);
  onTestFinished(() => sql.end({ timeout: 1 }));
  return sql;
}

/** `test` with a `databaseUrl`, the URL of a new database that the end of the test drops. */
export const test = base.extend<{ databaseUrl: string }>({
  databaseUrl: async ({ onTestFinished }, use) => {
    const database = await createTestDatabase();
    // These hooks run last in, first out, so all connections of the test close before its database is dropped.
    onTestFinished(() => database.drop());
    await use(database.url);
  },
});

const TEMPLATE_IN_USE = '55006';

/** The template has no clients, but an autovacuum session or a closing session may still use it. */
async function cloneTemplate(admin: Sql, name: string): Promise<void> {
  for (let left = 100; ; left -= 1) {
    try {
      await admin`create database ${admin(name)} template template_patient_sync strategy file_copy`;
      return;
    } catch (error) {
      const inUse = refusalOf(error) === TEMPLATE_IN_USE;
      if (!inUse || left === 0) throw error;
      await delay(20);
    }
  }
}

async function createDatabase(create: (admin: Sql, name: string) => Promise<void>): Promise<TestDatabase> {
  const name = `t_${randomBytes(8).toString('hex')}`;
  await asAdmin((admin) => create(admin, name));
  const url = new URL(inject('databaseAdminUrl'));
  url.pathname = `/${name}`;
  const drop = (admin: Sql) => admin`drop database if exists ${admin(name)} with (force)`;
  return { url: url.href, drop: () => asAdmin(async (admin) => void (await drop(admin))) };
}

/** One connection for all databases of a file: a new one costs PostgreSQL as much as cloning a database. */
let admin: Sql | undefined;

async function asAdmin(work: (admin: Sql) => Promise<void>): Promise<void> {
  admin ??= connectPostgres(inject('databaseAdminUrl'), { idle_timeout: 5 });
  await work(admin);
}
