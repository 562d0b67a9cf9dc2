/**
 * One PostgreSQL for the whole test run, with the migrated template that the database of each test is cloned from.
 *
 * It is the embedded PostgreSQL that users get, created in a temporary directory with durability switched off.
 *
 * Not here: cloning (database.ts).
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/database/migrate.ts';
import { openEmbeddedDatabase } from '../../src/embedded-postgres/open.ts';
import { buildServerWhenStale } from './build-server.ts';
import { fastestFolder } from './fastest-folder.ts';
import { connectPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Logs in as the superuser; do not store anything in the database that it names. */
    databaseAdminUrl: string;
  }
}

const CARELESS = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  max_connections: '300',
  // The databases live for seconds.
  autovacuum: 'off',
  jit: 'off',
  // A login with the usual 4096 rounds of its password costs a test as much as ten statements.
  scram_iterations: '1',
};

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  await buildServerWhenStale();
  const dataDir = await mkdtemp(join(fastestFolder(), 'patient-sync-tests-'));
  await chmod(dataDir, 0o755);
  const database = await openEmbeddedDatabase({ dataDir, settings: CARELESS });
  const endAtExit = () => endAbruptly(dataDir);
  process.once('exit', endAtExit);
  const tearDown = async () => {
    process.off('exit', endAtExit);
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

/** After an interrupted run, which does not wait for the teardown. */
function endAbruptly(dataDir: string): void {
  const lock = join(dataDir, 'postgres', 'data', 'postmaster.pid');
  if (existsSync(lock)) process.kill(Number(readFileSync(lock, 'utf8').split('\n', 1)[0]), 'SIGQUIT');
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
}

async function makeTemplate(adminUrl: string): Promise<void> {
  const admin = connectPostgres(adminUrl);
  // Its password was stored before the setting applied.
  await admin.unsafe(`alter role current_user password '${new URL(adminUrl).password}'`);
  await admin`create database template_patient_sync`;
  await admin.end();
  const template = new URL(adminUrl);
  template.pathname = '/template_patient_sync';
  await migrate(template.href);
}
