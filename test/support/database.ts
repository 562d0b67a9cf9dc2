/**
 * A PostgreSQL database for one test alone, cloned from the migrated template in some 20 ms.
 *
 * A database, not a transaction or a schema: in a transaction that is rolled back no NOTIFY is ever sent, and
 * schemas share their channels.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import { test as base, inject } from 'vitest';

export interface TestDatabase {
  url: string;
  /** Also while somebody is connected to it. */
  drop(): Promise<void>;
}

export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `t_${randomBytes(8).toString('hex')}`;
  await asAdmin((admin) => cloneTemplate(admin, name));
  const url = new URL(inject('databaseAdminUrl'));
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () =>
      asAdmin(async (admin) => void (await admin`drop database if exists ${admin(name)} with (force)`)),
  };
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
async function cloneTemplate(admin: postgres.Sql, name: string): Promise<void> {
  for (let left = 100; ; left -= 1) {
    try {
      await admin`create database ${admin(name)} template template_patient_sync`;
      return;
    } catch (error) {
      const inUse = error instanceof postgres.PostgresError && error.code === TEMPLATE_IN_USE;
      if (!inUse || left === 0) throw error;
      await delay(20);
    }
  }
}

async function asAdmin(work: (admin: postgres.Sql) => Promise<void>): Promise<void> {
  const admin = postgres(inject('databaseAdminUrl'), { max: 1, onnotice: () => {} });
  await work(admin).finally(() => admin.end());
}
