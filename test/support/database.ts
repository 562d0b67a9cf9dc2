/**
 * A PostgreSQL database for one test alone, cloned from the migrated template in some 20 ms.
 *
 * A database, not a transaction or a schema: in a transaction that is rolled back no NOTIFY is ever sent, and
 * schemas share their channels.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { test as base, inject, onTestFinished } from 'vitest';
import { type Connecting, connectPostgres, refusalOf } from './postgres.ts';

export interface TestDatabase {
  url: string;
  /** Also while somebody is connected to it. */
  drop(): Promise<void>;
}

/** With our tables, and nothing in them. */
export function createTestDatabase(): Promise<TestDatabase> {
  return createDatabase(cloneTemplate);
}

/** Without any table; it goes away with the test. */
export async function createEmptyDatabase(): Promise<{ url: string; sql: Sql }> {
  const { url, drop } = await createDatabase(
    async (admin, name) => void (await admin`create database ${admin(name)}`),
  );
  onTestFinished(drop);
  return { url, sql: connectInTest(url) };
}

/** One connection to a test's database unless told, closed with the test. */
export function connectInTest(url: string, options: Connecting = {}): Sql {
  const sql = connectPostgres(url, options);
  onTestFinished(() => sql.end({ timeout: 1 }));
  return sql;
}

/** `test` with a `databaseUrl`, the URL of a fresh database that goes away with the test. */
export const test = base.extend<{ databaseUrl: string }>({
  databaseUrl: async ({ onTestFinished }, use) => {
    const database = await createTestDatabase();
    // Such hooks run last in, first out: whatever the test has connected is closed before its database goes.
    onTestFinished(() => database.drop());
    await use(database.url);
  },
});

const TEMPLATE_IN_USE = '55006';

/** Nobody works in the template, but a session of autovacuum or one that is just closing may still be in it. */
async function cloneTemplate(admin: Sql, name: string): Promise<void> {
  for (let left = 100; ; left -= 1) {
    try {
      await admin`create database ${admin(name)} template template_patient_sync`;
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

async function asAdmin(work: (admin: Sql) => Promise<void>): Promise<void> {
  const admin = connectPostgres(inject('databaseAdminUrl'));
  await work(admin).finally(() => admin.end());
}
