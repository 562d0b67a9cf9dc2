/** Servers as processes of their own, and what they and their PostgreSQL use of the processor. */
import type { ChildProcess } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import type { Database } from '../src/database/open.ts';
import { processTimes, type Usage, usageOf } from './fan-out/usage.ts';
import { answerOf, start } from './processes.ts';

export interface ServerProcess {
  child: ChildProcess;
  url: string;
}

/** @param environment additional environment variables */
export async function startServerProcess(
  databaseUrl: string,
  environment: Record<string, string> = {},
): Promise<ServerProcess> {
  const child = start('product-process', databaseUrl, JSON.stringify(environment));
  return { child, ...(await answerOf<{ url: string }>(child)) };
}

export const usageOfServer = ({ child }: ServerProcess): Promise<Usage> => usageOf(child.pid ?? process.pid);

/** Of all sessions and background processes, also of those that have ended. */
export async function databaseCpuMs({ database: { sql } }: { database: Database }): Promise<number> {
  const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  const { parent: main } = await processTimes(row?.pid ?? 0);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  // Some of the processes end before they are read.
  const all = await Promise.all(pids.map((pid) => processTimes(pid).catch(() => undefined)));
  const children = all.filter((times) => times?.parent === main);
  const { endedChildrenMs: ended } = await processTimes(main);
  return children.reduce((sum, times) => sum + (times?.cpuMs ?? 0), ended);
}
