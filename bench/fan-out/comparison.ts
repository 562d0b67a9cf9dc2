/** One candidate with its clients: a server process, a load process, and the measurements between them. */
import type { ChildProcess } from 'node:child_process';
import { answerOf, ask, end, start } from '../processes.ts';
import type { Dialect } from './candidate.ts';
import type { Arrived, Delays, LoadOrder } from './load-process.ts';
import type { Emitted, Kind, ServerOrder, UsageReport } from './server-process.ts';

/** Below this, events that should be sent singly shared a write. A heartbeat between them adds a little. */
const ONE_WRITE = 0.99;

/**
 * The first clients warm the server up: code is compiled and the heap grows. The cost per client is measured on the
 * ones after them.
 */
const FIRST_SHARE = 0.2;

export interface Entry {
  kind: Kind;
  dialect: Dialect;
}

export interface Throughput {
  /** Deliveries a second, from the first event to the last delivery. */
  perSecond: number;
  /** The same, per second of the server's processor time. */
  perCpuSecond: number;
}

export interface Comparison {
  /** Per idle connection. */
  rssBytes: number;
  heapBytes: number;
  /** Batches of this many events, for this long. */
  throughput(burst: number, forMs: number): Promise<Throughput>;
  /** At 10 events a second. */
  delays(ticks: number): Promise<Delays>;
  close(): Promise<void>;
}

export async function openComparison(
  { kind, dialect }: Entry,
  clients: number,
  databaseUrl: string,
): Promise<Comparison> {
  const server = start('fan-out/server-process', kind, dialect, databaseUrl);
  const load = start('fan-out/load-process');
  const close = async () => {
    await end(load);
    await end(server);
  };
  try {
    const { port, path } = await answerOf<{ port: number; path: string }>(server);
    const first = Math.ceil(clients * FIRST_SHARE);
    await tell(load, { open: first, port, path, dialect });
    const before = await readUsage(server, 'idle');
    await tell(load, { open: clients - first, port, path, dialect });
    const after = await readUsage(server, 'idle');
    return {
      rssBytes: (after.rssBytes - before.rssBytes) / (clients - first),
      heapBytes: ((after.heapBytes ?? 0) - (before.heapBytes ?? 0)) / (clients - first),
      throughput: (burst, forMs) => measureThroughput(server, load, clients, { burst, forMs }),
      delays: (ticks) => measureDelays(server, load, clients, ticks),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const tell = <T>(load: ChildProcess, order: LoadOrder) => ask<T>(load, order);
const emit = (server: ChildProcess, order: ServerOrder) => ask<Emitted>(server, order);
const readUsage = (server: ChildProcess, usage: 'now' | 'idle') =>
  ask<UsageReport>(server, { usage } satisfies ServerOrder);

async function measureThroughput(
  server: ChildProcess,
  load: ChildProcess,
  clients: number,
  order: { burst: number; forMs: number },
): Promise<Throughput> {
  await tell(load, { count: 'events' });
  const before = await readUsage(server, 'now');
  const { events, beganAt } = await emit(server, order);
  const deliveries = events * clients;
  const { lastAt } = await tell<Arrived>(load, { awaitEvents: deliveries });
  const after = await readUsage(server, 'now');
  const writes = (after.writes - before.writes) / deliveries;
  // Writes of an external program cannot be counted here.
  if (order.burst === 1 && writes > 0 && writes < ONE_WRITE) {
    throw new Error(`One event a turn was ${writes.toFixed(2)} writes: turns have run into each other.`);
  }
  return {
    perSecond: deliveries / ((lastAt - beganAt) / 1_000),
    perCpuSecond: deliveries / ((after.cpuMs - before.cpuMs) / 1_000),
  };
}

async function measureDelays(
  server: ChildProcess,
  load: ChildProcess,
  clients: number,
  ticks: number,
): Promise<Delays> {
  await tell(load, { count: 'delays' });
  const { events } = await emit(server, { ticks });
  await tell(load, { awaitEvents: events * clients });
  return tell<Delays>(load, { delays: true });
}
