/** Helpers for the tests of the embedded PostgreSQL: open it in this process or another one, query it, kill it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Sql } from 'postgres';
import { onTestFinished } from 'vitest';
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../src/embedded-postgres/open.ts';
import { fastestFolder } from './fastest-folder.ts';
import { newFolder } from './new-folder.ts';
import { connectPostgres } from './postgres.ts';

export const PROCESS = fileURLToPath(new URL('../embedded-postgres/embedded-process.ts', import.meta.url));

/** Called first in each test, so its cleanup runs last: finish hooks run in reverse order. */
export async function newDataDir(): Promise<string> {
  const dir = await realpath(await newFolder({ parent: fastestFolder(), mode: 0o755 }));
  onTestFinished(() => endPostmaster(dir));
  return dir;
}

export async function open(dataDir: string): Promise<EmbeddedDatabase> {
  const database = await openEmbeddedDatabase({ dataDir, settings: { fsync: 'off' } });
  onTestFinished(() => database.stop());
  return database;
}

export interface Process extends Pick<EmbeddedDatabase, 'url' | 'attached' | 'stop'> {
  kill(): Promise<void>;
}

export async function startProcess(dataDir: string): Promise<Process> {
  const child = spawn(process.execPath, ['--import', 'tsx', PROCESS, dataDir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error('the process ended before it had a database'))),
  ]);
  const opened: { url: string; attached: boolean } = JSON.parse(String(line));
  const ended = (act: () => void) => () => end(child, act);
  return { ...opened, stop: ended(() => child.stdin.end()), kill: ended(() => child.kill('SIGKILL')) };
}

async function end(child: ChildProcess, act: () => void): Promise<void> {
  const exit = once(child, 'exit');
  act();
  await exit;
}

export async function ask<Rows>(url: string, question: (sql: Sql) => Promise<Rows>): Promise<Rows> {
  const sql = connectPostgres(url, { connect_timeout: 5 });
  return await question(sql).finally(() => sql.end({ timeout: 1 }));
}

export async function countSessions(url: string): Promise<number> {
  const held = await ask(
    url,
    (sql) => sql`select 1 from pg_locks where locktype = 'advisory' and mode = 'ShareLock' and granted`,
  );
  return held.length;
}

/** The process that runs the cluster of this data directory, according to PostgreSQL. */
export async function postmasterPid(dataDir: string): Promise<number | undefined> {
  const lock = await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8').catch(
    () => undefined,
  );
  return lock === undefined || lock === '' ? undefined : Number(lock.split('\n')[0]);
}

export async function killPostmaster(dataDir: string): Promise<void> {
  const pid = await postmasterPid(dataDir);
  if (pid === undefined) throw new Error('there is no postmaster to kill');
  process.kill(pid, 'SIGKILL');
}

/** For a test that failed half-way. Checks twice, so that it never kills another process with a reused id. */
async function endPostmaster(dataDir: string): Promise<void> {
  const pid = await postmasterPid(dataDir);
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  if (pid !== undefined && command.includes('postgres')) process.kill(pid, 'SIGQUIT');
}

export async function writeLock(dataDir: string, content: string): Promise<void> {
  const file = join(dataDir, 'postgres', 'data', 'postmaster.pid');
  await writeFile(file, content, { mode: 0o644 });
}
