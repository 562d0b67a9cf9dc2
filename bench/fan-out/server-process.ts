/**
 * One candidate in its own process: `server-process.js <kind> <dialect> <database>`. It starts an external program and
 * is the publisher for it.
 */
import { openBareHttp, openBareWs, openHonoStream } from './bare-servers.ts';
import type { Candidate, Dialect } from './candidate.ts';
import { eventOf, now } from './events.ts';
import { openNats } from './nats.ts';
import { openNchan } from './nchan.ts';
import { openOurs } from './ours.ts';
import { countWrites, writesSoFar } from './sockets.ts';
import { type Usage, usageOf } from './usage.ts';

export type Kind = 'ours' | 'bare-http' | 'bare-ws' | 'stream-sse' | 'nats' | 'nchan';

export type ServerOrder =
  /** Batches of this many events for this long; a batch starts when the one before was accepted. */
  | { burst: number; forMs: number }
  /** This many events, one every 100 ms. */
  | { ticks: number }
  /** `idle`: after garbage collection. */
  | { usage: 'now' | 'idle' };

/** Answers to the commands, in their order. */
export interface Emitted {
  events: number;
  /** Milliseconds since 1970. */
  beganAt: number;
}
export interface UsageReport extends Usage {
  /** To sockets, by this process. */
  writes: number;
}

const TICK_MS = 100;

const OPENERS: Record<Kind, (databaseUrl: string, dialect: Dialect) => Promise<Candidate>> = {
  ours: openOurs,
  'bare-http': openBareHttp,
  'bare-ws': openBareWs,
  'stream-sse': openHonoStream,
  nats: openNats,
  nchan: openNchan,
};

countWrites();
const [kind, dialect, databaseUrl = ''] = process.argv.slice(2);
const candidate = await OPENERS[kind as Kind](databaseUrl, dialect as Dialect);
let seq = 0;
const nextEvents = (count: number, dueAt: number) =>
  Array.from({ length: count }, () => eventOf(++seq, dueAt));

async function emitFor(burst: number, forMs: number): Promise<Emitted> {
  const beganAt = now();
  let events = 0;
  while (now() - beganAt < forMs) {
    await candidate.emit(nextEvents(burst, now()));
    events += burst;
  }
  return { events, beganAt };
}

/** An event that was sent late keeps the time when it was due. */
async function tick(ticks: number): Promise<Emitted> {
  const beganAt = now();
  for (let n = 1; n <= ticks; n++) {
    const dueAt = beganAt + n * TICK_MS;
    const early = dueAt - now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    await candidate.emit(nextEvents(1, early > 0 ? now() : dueAt));
  }
  return { events: ticks, beganAt };
}

async function collectGarbage(): Promise<void> {
  for (let n = 0; n < 3; n++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function handleOrder(order: ServerOrder): Promise<Emitted | UsageReport> {
  if ('ticks' in order) return tick(order.ticks);
  if ('burst' in order) return emitFor(order.burst, order.forMs);
  if (order.usage === 'idle') await collectGarbage();
  return { ...(await usageOf(candidate.pid)), writes: writesSoFar() };
}

process.on('message', async (order: ServerOrder) => process.send?.(await handleOrder(order)));
process.on('disconnect', async () => {
  await candidate.close?.();
  process.exit(0);
});
process.send?.({ port: candidate.port, path: candidate.path });
