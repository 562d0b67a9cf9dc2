/** One contestant with its clients: a server process, a load process, and what is measured between them. */
import type { ChildProcess } from 'node:child_process';
import { answerOf, ask, end, start } from '../processes.ts';
import type { Dialect } from './candidate.ts';
import type { Arrived, Delays, LoadOrder } from './load-process.ts';
import type { Emitted, Kind, ServerOrder, Standing } from './server-process.ts';

/** Below this, events that were to come singly have shared a write. A heartbeat between them makes it a little more. */
const ONE_WRITE = 0.99;

/** Those who come first make a server grow up: code is compiled, the heap takes room. What one more costs is asked after them. */
const FIRST_SHARE = 0.2;

export interface Entry {
  kind: Kind;
  dialect: Dialect;
}

export interface Throughput {
  /** Deliveries a second, from the first event to the last client's last one. */
  perSecond: number;
  /** The same, a second of the server's processor time. */
  perCpuSecond: number;
}

export interface Comparison {
  /** Of an idle connection. */
  rssBytes: number;
  heapBytes: number;
  /** Turns of so many events for so long. */
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
    const before = await standing(server, 'idle');
    await tell(load, { open: clients - first, port, path, dialect });
    const after = await standing(server, 'idle');
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
const standing = (server: ChildProcess, usage: 'now' | 'idle') =>
  ask<Standing>(server, { usage } satisfies ServerOrder);

async function measureThroughput(
  server: ChildProcess,
  load: ChildProcess,
  clients: number,
  order: { burst: number; forMs: number },
): Promise<Throughput> {
  await tell(load, { count: 'events' });
  const before = await standing(server, 'now');
  const { events, beganAt } = await emit(server, order);
  const deliveries = events * clients;
  const { lastAt } = await tell<Arrived>(load, { awaitEvents: deliveries });
  const after = await standing(server, 'now');
  const writes = (after.writes - before.writes) / deliveries;
  // A program of its own writes where we cannot count.
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
