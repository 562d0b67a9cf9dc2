/** What the servers hold: memory, sockets and sessions, sampled during the run. Linux only; elsewhere there are no samples. */
import { readdir, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { usageOf } from '../bench/fan-out/usage.ts';
import { median } from '../bench/rounds.ts';
import type { Environment } from './environment.ts';

export interface Held {
  /** Of the first server, which is never killed. */
  rssMb: number;
  sockets: number;
  /** Of all servers, in PostgreSQL. */
  sessions: number;
}

/** The median of the second quarter, after the first syncs, and of the last one; MB. */
export interface MemoryQuarters {
  second: number;
  last: number;
}

const SAMPLE_MS = 5_000;
const MB = 1_024 * 1_024;

/** @returns undefined without /proc, or when the first server has ended */
export async function readHeld({ servers, postgres }: Environment): Promise<Held | undefined> {
  const pid = servers[0]?.pid;
  if (pid === undefined || process.platform !== 'linux') return undefined;
  const [row] = await postgres.read(
    (sql) => sql<{ sessions: number }[]>`select count(*)::int as sessions from pg_stat_activity
      where application_name like 'patient-sync%' and application_name <> 'patient-sync shared'`,
  );
  // It may have ended just now, which another check reports.
  const ofProcess = await readProcess(pid).catch(() => undefined);
  return ofProcess && { ...ofProcess, sessions: row?.sessions ?? 0 };
}

async function readProcess(pid: number): Promise<Omit<Held, 'sessions'>> {
  const { rssBytes } = await usageOf(pid);
  if (Number.isNaN(rssBytes)) throw new Error('A process that has ended has no memory.');
  return { rssMb: rssBytes / MB, sockets: await countSockets(pid) };
}

async function countSockets(pid: number): Promise<number> {
  const files = await readdir(`/proc/${pid}/fd`);
  const targets = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')));
  return targets.filter((target) => target.startsWith('socket:')).length;
}

/** The memory of the first server during the run. */
export class MemorySamples {
  readonly #rssMb: number[] = [];

  async take(environment: Environment, isOver: AbortSignal): Promise<void> {
    while (!isOver.aborted) {
      const held = await readHeld(environment);
      if (held !== undefined) this.#rssMb.push(held.rssMb);
      await delay(SAMPLE_MS, undefined, { signal: isOver }).catch(() => {});
    }
  }

  get quarters(): MemoryQuarters | undefined {
    return quartersOf(this.#rssMb);
  }
}

/** @param rssMb in the order of the samples. @returns undefined when a quarter has no sample */
export function quartersOf(rssMb: readonly number[]): MemoryQuarters | undefined {
  const quarter = Math.floor(rssMb.length / 4);
  if (quarter === 0) return undefined;
  return { second: median(rssMb.slice(quarter, 2 * quarter)), last: median(rssMb.slice(-quarter)) };
}
