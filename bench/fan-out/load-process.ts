/** The load generator: many clients on bare sockets, in its own process. Counts events, and measures their delays. */
import { connect } from 'node:net';
import { createHeartbeatTimer } from '../../src/live/heartbeat-timer.ts';
import type { Dialect } from './candidate.ts';
import { createEventCount } from './count-events.ts';
import { NATS_SUBSCRIBED, NATS_SUBSCRIPTION } from './nats-subscriber.ts';

interface OpenOrder {
  open: number;
  port: number;
  path: string;
  dialect: Dialect;
}

interface PollOrder {
  poll: string;
  port: number;
  forMs: number;
}

export type LoadOrder =
  | OpenOrder
  | PollOrder
  /** Start counting, with or without the delay of each event. */
  | { count: 'events' | 'delays' }
  /** Answer when this many have arrived. */
  | { awaitEvents: number }
  | { delays: true };

/** Milliseconds since 1970. */
export interface Arrived {
  lastAt: number;
}
export interface Delays {
  p50: number;
  p99: number;
}

const ACCEPTED = /^HTTP\/1\.1 (200|101) /;
const HEAD_END = '\r\n\r\n';
const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const OPENING_AT_ONCE = 64;
const POLLING_AT_ONCE = 32;
/** The wait for data that a server sends on opening, besides the head. */
const SETTLE_MS = 300;

const events = createEventCount();

/** Unsolicited pongs are allowed, so the load process need not look for pings in the counted data. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const PONG_MS = 15_000;
const alive = createHeartbeatTimer(PONG_MS);

/** Shared by all sockets: the cost of reading in the clients must not dominate the measurement. */
const buffer = Buffer.allocUnsafe(256 * 1024);

const requestOf = ({ path, dialect }: OpenOrder) =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${dialect === 'sse' ? 'Accept: text/event-stream\r\n' : UPGRADE}\r\n`;

/** Resolves when the stream has begun. */
function open(order: OpenOrder): Promise<void> {
  return new Promise((resolve, reject) => {
    const isNats = order.dialect === 'nats';
    const read = events.reader();
    let opening = '';
    let begun = false;
    const begin = (bytes: Buffer): void => {
      const hadHead = opening.includes(HEAD_END);
      opening += bytes.toString('latin1');
      if (!opening.includes(HEAD_END)) return;
      if (!ACCEPTED.test(opening)) reject(new Error(opening.slice(0, 500)));
      if (isNats && !hadHead) socket.write(NATS_SUBSCRIPTION);
      if (isNats && !opening.includes(NATS_SUBSCRIBED)) return;
      begun = true;
      resolve();
    };
    const callback = (length: number): boolean => {
      const bytes = buffer.subarray(0, length);
      if (begun) read(bytes);
      else begin(bytes);
      return true;
    };
    const to = { port: order.port, host: '127.0.0.1', onread: { buffer, callback } };
    const socket = connect(to, () => socket.write(requestOf(order)));
    if (order.dialect === 'websocket') alive.add({ onTick: () => socket.write(PONG) });
    socket.on('error', reject);
    socket.on('close', () => {
      throw new Error(`A server closed a stream of ${order.path}.`);
    });
  });
}

async function openAll(order: OpenOrder): Promise<void> {
  for (let left = order.open; left > 0; left -= OPENING_AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(left, OPENING_AT_ONCE) }, () => open(order)));
  }
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}

/** One client that polls continuously over one connection. Each answer fits into one read of the socket. */
function poll(port: number, path: string, until: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let polls = 0;
    const ask = () => socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const socket = connect(port, '127.0.0.1', ask);
    socket.on('data', (chunk) => {
      if (!chunk.subarray(0, 12).toString().startsWith('HTTP/1.1 200')) reject(new Error(chunk.toString()));
      polls += 1;
      if (performance.now() < until) ask();
      else {
        socket.destroy();
        resolve(polls);
      }
    });
    socket.on('error', reject);
  });
}

async function pollsPerSecond({ poll: path, port, forMs }: PollOrder): Promise<number> {
  const until = performance.now() + forMs;
  const all = await Promise.all(Array.from({ length: POLLING_AT_ONCE }, () => poll(port, path, until)));
  return all.reduce((sum, polls) => sum + polls, 0) / (forMs / 1_000);
}

async function handleOrder(order: LoadOrder): Promise<object> {
  if ('open' in order) {
    await openAll(order);
    return { opened: true };
  }
  if ('poll' in order) return { perSecond: await pollsPerSecond(order) };
  if ('count' in order) {
    events.begin(order.count === 'delays');
    return { begun: true };
  }
  if ('awaitEvents' in order) return { lastAt: await events.reach(order.awaitEvents) } satisfies Arrived;
  return events.delays() satisfies Delays;
}

process.on('message', async (order: LoadOrder) => process.send?.(await handleOrder(order)));
process.on('disconnect', () => process.exit(0));
