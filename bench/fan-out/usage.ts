/** The resource usage of a process: processor time and memory, as the kernel reports them. */
import { readFile } from 'node:fs/promises';

export interface Usage {
  /** Of all its threads, in user and kernel mode. */
  cpuMs: number;
  rssBytes: number;
  /** Live memory in Node's heap and beside it; undefined in a program that is not Node. */
  heapBytes?: number;
}

/** The kernel counts in these units on every Linux. */
const MS_A_TICK = 10;

export async function usageOf(pid: number): Promise<Usage> {
  if (pid === process.pid) return ownUsage();
  const [{ cpuMs }, status] = [await processTimes(pid), await readFile(`/proc/${pid}/status`, 'utf8')];
  const rssKb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  return { cpuMs, rssBytes: rssKb * 1_024 };
}

/** @throws when the process has ended */
export async function processTimes(pid: number | string) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name of the program may contain blanks; it ends with the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = (...places: number[]) => places.reduce((sum, place) => sum + Number(fields[place]), 0);
  return {
    parent: Number(fields[1]),
    cpuMs: ticks(11, 12) * MS_A_TICK,
    endedChildrenMs: ticks(13, 14) * MS_A_TICK,
  };
}

function ownUsage(): Usage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { cpuMs: (user + system) / 1_000, rssBytes: rss, heapBytes: heapUsed + external };
}
