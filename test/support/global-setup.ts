/**
 * One PostgreSQL for the whole test run, and in it the migrated template that every test's database is cloned from.
 *
 * It is the embedded one that users get, made anew in a temporary directory and told not to care for its data.
 *
 * Not here: cloning (database.ts).
 */
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/database/migrate.ts';
import { openEmbeddedDatabase } from '../../src/embedded-postgres/open.ts';
import { connectPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Logs in as the superuser; do not keep anything in the database that it names. */
    databaseAdminUrl: string;
  }
}

const CARELESS = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  max_connections: '300',
};

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(fastestDir(), 'patient-sync-tests-'));
  await chmod(dataDir, 0o755);
  const database = await openEmbeddedDatabase({ dataDir, settings: CARELESS });
  const tearDown = async () => {
    await database.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  await makeTemplate(database.url).catch(async (error: unknown) => {
    await tearDown();
    throw error;
  });
  project.provide('databaseAdminUrl', database.url);
  return tearDown;
}

/** Cloning a database copies hundreds of small files: in memory in 10 ms, on a disk in up to 400. */
function fastestDir(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}

async function makeTemplate(adminUrl: string): Promise<void> {
  const admin = connectPostgres(adminUrl);
  await admin`create database template_patient_sync`;
  await admin.end();
  const template = new URL(adminUrl);
  template.pathname = '/template_patient_sync';
  await migrate(template.href);
}
