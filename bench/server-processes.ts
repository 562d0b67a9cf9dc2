/** Servers as processes of their own, and what they and their PostgreSQL use of the processor. */
import type { ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import type { Database } from '../src/database/open.ts';
import { MS_A_TICK, type Usage, usageOf } from './fan-out/usage.ts';
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
  const main = (await processTimes(String(row?.pid)))?.parent ?? 0;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(pids.map((pid) => processTimes(pid)));
  const children = all.filter((times) => times?.parent === main);
  const ended = (await processTimes(String(main)))?.endedChildrenMs ?? 0;
  return children.reduce((sum, times) => sum + (times?.cpuMs ?? 0), ended);
}

/** @returns undefined when the process has ended */
async function processTimes(pid: string) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  // The name of the program may contain blanks; it ends with the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = (...places: number[]) => places.reduce((sum, place) => sum + Number(fields[place]), 0);
  return {
    parent: Number(fields[1]),
    cpuMs: ticks(11, 12) * MS_A_TICK,
    endedChildrenMs: ticks(13, 14) * MS_A_TICK,
  };
}
