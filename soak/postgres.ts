/** The embedded PostgreSQL of the soak, with durable commits, and its faults. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { migrate } from '../src/database/migrate.ts';
import { openEmbeddedDatabase } from '../src/embedded-postgres/open.ts';
import { connectPostgres } from '../test/support/postgres.ts';

/** How PostgreSQL can end: in order, at once with recovery at the next start, or killed. */
export type PostgresEnd = 'SIGINT' | 'SIGQUIT' | 'SIGKILL';

export interface SoakPostgres {
  url: string;
  /** Repeats a read while PostgreSQL is away. */
  read<T>(question: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * Ends PostgreSQL, which its keeper in this process then starts again. Resolves when it answers.
   *
   * @returns false when it was not running
   */
  restart(how: PostgresEnd): Promise<boolean>;
  /** Ends sessions of the servers. @param names application names; all when there are none. @returns how many */
  endSessions(names: readonly string[]): Promise<number>;
  /** Its own log. Rejects when it cannot be read. */
  log(): Promise<string>;
  close(): Promise<void>;
  /** When the soak ends while PostgreSQL is starting. */
  endAtOnce(): void;
}

const AWAY_AT_MOST_MS = 120_000;
const OUR_NAME = 'soak';

export async function openPostgres(dataDir: string): Promise<SoakPostgres> {
  const embedded = await openEmbeddedDatabase({ dataDir });
  await migrate(embedded.url);
  const url = new URL(embedded.url);
  url.searchParams.set('application_name', OUR_NAME);
  const sql = connectPostgres(url.href, { max: 4, connect_timeout: 5, backoff: () => 0.2 });
  const [place] = await sql<{ files: string }[]>`select current_setting('data_directory') as files`;
  const files = place?.files ?? '';
  const read = async <T>(question: (sql: Sql) => Promise<T>): Promise<T> => {
    for (const deadline = performance.now() + AWAY_AT_MOST_MS; ; await delay(200)) {
      try {
        return await question(sql);
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
    }
  };
  const restart = async (how: PostgresEnd): Promise<boolean> => {
    const pid = postmasterPid(files);
    if (pid !== undefined) process.kill(pid, how);
    const hasStarted = () => ![pid, undefined].includes(postmasterPid(files));
    for (const deadline = performance.now() + AWAY_AT_MOST_MS; !hasStarted(); await delay(50))
      if (performance.now() > deadline) throw new Error('PostgreSQL was not started again.');
    await read((again) => again`select 1`);
    return pid !== undefined;
  };
  const endSessions = async (names: readonly string[]): Promise<number> => {
    const ended = await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like 'patient-sync%'
        and application_name <> 'patient-sync shared'
        and (${names.length === 0} or application_name = any(${[...names]}::text[]))`;
    return ended.length;
  };
  return {
    url: embedded.url,
    read,
    restart,
    endSessions,
    log: () => readFile(join(files, '..', 'log'), 'utf8'),
    async close() {
      await sql.end({ timeout: 2 });
      await embedded.stop();
      for (let left = 100; left > 0 && postmasterPid(files) !== undefined; left--) await delay(100);
    },
    endAtOnce() {
      const pid = postmasterPid(files);
      if (pid !== undefined) process.kill(pid, 'SIGQUIT');
    },
  };
}

/** @returns undefined when it does not run */
function postmasterPid(files: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(files, 'postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}
