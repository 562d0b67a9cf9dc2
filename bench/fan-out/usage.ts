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
export const MS_A_TICK = 10;

export async function usageOf(pid: number): Promise<Usage> {
  if (pid === process.pid) return ownUsage();
  const [stat, status] = [
    await readFile(`/proc/${pid}/stat`, 'utf8'),
    await readFile(`/proc/${pid}/status`, 'utf8'),
  ];
  // The name of the program may contain blanks; it ends with the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [userTicks, kernelTicks] = [Number(fields[11]), Number(fields[12])];
  const rssKb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  return { cpuMs: (userTicks + kernelTicks) * MS_A_TICK, rssBytes: rssKb * 1_024 };
}

function ownUsage(): Usage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { cpuMs: (user + system) / 1_000, rssBytes: rss, heapBytes: heapUsed + external };
}
