/** The fan-out: one event to many clients, ours against bare servers that write one prebuilt buffer an event. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LoadOrder } from './fan-out-load.ts';
import type { Kind, Order } from './fan-out-server.ts';
import type { Row } from './run.ts';

const SSE = '/sync-logs/1/events';
const WS = '/ws?organizations=1';
const BURST = 20;

interface Plan {
  kind: Kind;
  webSocket: boolean;
  clients: number;
}

interface Figures {
  /** Deliveries a second, several events a turn and one. */
  burst: number;
  single: number;
  /** Milliseconds at 10 events a second. */
  p50: number;
  p99: number;
  kbPerClient: number;
}

export function start(file: string, ...args: string[]): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return fork(path, args, { execArgv: ['--import', 'tsx', '--expose-gc'] });
}

export async function ask<T>(child: ChildProcess, order: Order | LoadOrder): Promise<T> {
  child.send(order);
  const [answer] = await once(child, 'message');
  return answer;
}

/** Deliveries a second until the last client has the last event. */
async function throughput(server: ChildProcess, load: ChildProcess, clients: number, burst: number) {
  const events = Math.max(burst * 2, Math.ceil(400_000 / clients / burst) * burst);
  await ask(load, { expect: clients * events });
  const arrived = once(load, 'message');
  server.send({ burst, events } satisfies Order);
  const [{ ms, received }] = await arrived;
  return received / (ms / 1_000);
}

async function measure({ kind, webSocket, clients }: Plan, ticks: number): Promise<Figures> {
  const server = start('fan-out-server.ts', kind);
  const [{ port }] = await once(server, 'message');
  const load = start('fan-out-load.ts');
  try {
    const before = await ask<{ bytes: number }>(server, { measure: true });
    await ask(load, { open: clients, port, path: webSocket ? WS : SSE, webSocket });
    const after = await ask<{ bytes: number }>(server, { measure: true });
    // Once to warm up; the second is what counts.
    await throughput(server, load, clients, BURST);
    const burst = await throughput(server, load, clients, BURST);
    const single = await throughput(server, load, clients, 1);
    await ask(load, { expect: clients * ticks });
    const arrived = once(load, 'message');
    server.send({ burst: 1, events: ticks, everyMs: 100 } satisfies Order);
    await arrived;
    const { p50, p99 } = await ask<{ p50: number; p99: number }>(load, { latencies: true });
    return { burst, single, p50, p99, kbPerClient: (after.bytes - before.bytes) / 1_024 / clients };
  } finally {
    for (const child of [load, server]) {
      child.disconnect();
      await once(child, 'exit');
    }
  }
}

/** Two rounds in turn, of which the better counts: what else runs on the machine hits one of them, not both. */
async function best(plan: Plan, isQuick: boolean): Promise<Figures> {
  const [one, other] = [
    await measure(plan, isQuick ? 10 : 30),
    isQuick ? undefined : await measure(plan, 30),
  ];
  if (other === undefined) return one;
  return {
    burst: Math.max(one.burst, other.burst),
    single: Math.max(one.single, other.single),
    p50: Math.min(one.p50, other.p50),
    p99: Math.min(one.p99, other.p99),
    kbPerClient: Math.min(one.kbPerClient, other.kbPerClient),
  };
}

function compare(name: string, mine: Figures, peer: Figures, of: string): Row[] {
  const faster = (figure: 'burst' | 'single', what: string, atLeast: number): Row => ({
    name: `${name}, ${what}`,
    value: mine[figure],
    unit: 'deliveries/s',
    ratio: mine[figure] / peer[figure],
    of,
    atLeast,
  });
  return [
    faster('burst', `${BURST} events a turn`, 1.8),
    faster('single', 'one event a turn', 0.95),
    {
      name: `${name}, p99 at 10 events/s`,
      value: mine.p99,
      unit: 'ms',
      ratio: mine.p99 / peer.p99,
      of,
      atMost: 1.2,
    },
    {
      name: `${name}, an idle connection`,
      value: mine.kbPerClient,
      unit: 'KB',
      ratio: mine.kbPerClient / peer.kbPerClient,
      of,
      atMost: 1.15,
    },
  ];
}

export async function benchFanOut({ isQuick }: { isQuick: boolean }): Promise<Row[]> {
  const rows: Row[] = [];
  for (const clients of isQuick ? [100, 1_000] : [100, 1_000, 5_000]) {
    const isOnce = isQuick || clients > 1_000;
    const plan = (kind: Kind, webSocket: boolean): Plan => ({ kind, webSocket, clients });
    const bare = await best(plan('bare-http', false), isOnce);
    const sse = await best(plan('ours', false), isOnce);
    rows.push(...compare(`SSE, ${clients} clients`, sse, bare, 'bare node:http'));
    const bareSocket = await best(plan('bare-ws', true), isOnce);
    const socket = await best(plan('ours', true), isOnce);
    rows.push(...compare(`WebSocket, ${clients} clients`, socket, bareSocket, 'bare ws'));
    if (clients !== 1_000) continue;
    const hono = await best(plan('stream-sse', false), true);
    rows.push({
      name: `SSE, ${clients} clients, ${BURST} events a turn`,
      value: sse.burst,
      unit: 'deliveries/s',
      ratio: sse.burst / hono.burst,
      of: 'hono streamSSE',
      atLeast: 4,
    });
  }
  if (!isQuick) rows.push(...(await crowd()));
  return rows;
}

/** 10,000 clients: the delay is that of 10,000 system calls, whoever makes them. */
async function crowd(): Promise<Row[]> {
  const bare = await measure({ kind: 'bare-http', webSocket: false, clients: 10_000 }, 20);
  const mine = await measure({ kind: 'ours', webSocket: false, clients: 10_000 }, 20);
  return compare('SSE, 10000 clients', mine, bare, 'bare node:http').slice(2, 3);
}
