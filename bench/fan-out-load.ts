/** The load generator: many clients on bare sockets, in a process of its own. Counts events, and takes the time of some. */
import { connect, type Socket } from 'node:net';

export type LoadOrder =
  | { open: number; port: number; path: string; webSocket: boolean }
  | { poll: string; port: number; forMs: number }
  | { expect: number }
  | { latencies: true };

const EVENT = Buffer.from('"seq":');
const SENT_AT = Buffer.from('"t":');
const OPENING_AT_ONCE = 64;

let received = 0;
let expected = Number.POSITIVE_INFINITY;
let firstAt = 0;
let latencies: number[] = [];

function count(chunk: Buffer): void {
  for (let at = chunk.indexOf(EVENT); at >= 0; at = chunk.indexOf(EVENT, at + EVENT.length)) received += 1;
}

function read(chunk: Buffer): void {
  const now = performance.timeOrigin + performance.now();
  firstAt ||= now;
  count(chunk);
  const at = chunk.lastIndexOf(SENT_AT);
  if (at >= 0) {
    const sentAt = Number.parseFloat(chunk.toString('latin1', at + SENT_AT.length, at + SENT_AT.length + 20));
    if (sentAt > 0) latencies.push(now - sentAt);
  }
  if (received < expected) return;
  expected = Number.POSITIVE_INFINITY;
  process.send?.({ received, ms: now - firstAt });
}

/** Resolves at the first bytes after the head: the stream has begun. */
function open(port: number, path: string, webSocket: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1', () => {
      const upgrade = webSocket
        ? 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
        : '';
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n`);
    });
    let carry = Buffer.alloc(0);
    socket.once('data', () => resolve());
    // The end of a chunk may hold half of the word that is counted.
    socket.on('data', (chunk: Buffer) => {
      const whole = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
      read(whole);
      const cut = whole.subarray(-(EVENT.length - 1));
      carry = cut.includes(0x22) ? Buffer.from(cut) : Buffer.alloc(0);
    });
    socket.on('error', reject);
  });
}

/** One client that polls, again and again, over one connection. Each answer fits into what a socket reads at once. */
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

process.on('message', async (order: LoadOrder) => {
  if ('open' in order) {
    for (let left = order.open; left > 0; left -= OPENING_AT_ONCE) {
      const some = Array.from({ length: Math.min(left, OPENING_AT_ONCE) }, () =>
        open(order.port, order.path, order.webSocket),
      );
      await Promise.all(some);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    process.send?.({ opened: true });
  } else if ('poll' in order) {
    const until = performance.now() + order.forMs;
    const all = await Promise.all(Array.from({ length: 32 }, () => poll(order.port, order.poll, until)));
    process.send?.({ perSecond: all.reduce((sum, polls) => sum + polls, 0) / (order.forMs / 1_000) });
  } else if ('expect' in order) {
    received = 0;
    firstAt = 0;
    latencies = [];
    expected = order.expect;
    process.send?.({ ready: true });
  } else {
    latencies.sort((one, other) => one - other);
    const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? 0;
    process.send?.({ p50: at(0.5), p99: at(0.99) });
  }
});
process.on('disconnect', () => process.exit(0));
