/** SIGTERM to a server process with many open streams: each connection gets `bye`, spread over the drain. */
import { once } from 'node:events';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { Bye } from '#contract/stream-event.ts';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { test } from '../support/database.ts';
import { startServerProcess } from '../support/server-process.ts';
import { openSocket } from '../support/socket.ts';
import { openStream } from '../support/stream.ts';

const DRAIN_MS = 3_000;
/** How long the process may take after the drain. */
const LEAVE_MS = 5_000;
const RESTART = 1012;

/** How the connection of one client ended. */
interface End {
  bye: Bye;
  at: number;
}

async function endOfStream(url: string): Promise<() => Promise<End>> {
  const stream = await openStream(`${url}/api/v1/cliniko/sync-logs/55/events`);
  await stream.until((sent) => sent.length === 2);
  const ended = stream.ended.then(() => performance.now());
  return async () => {
    const at = await ended;
    return { bye: Bye.parse(JSON.parse(stream.events.at(-1)?.data ?? '')), at };
  };
}

async function endOfSocket(url: string): Promise<() => Promise<End>> {
  const socket = await openSocket({ url }, '?organizations=*');
  await socket.until('subscribed');
  const closed = socket.closed.then((code) => ({ code, at: performance.now() }));
  return async () => {
    const { code, at } = await closed;
    expect(code).toBe(RESTART);
    return { bye: Bye.parse(socket.frames().at(-1)), at };
  };
}

const times = <T>(count: number, make: () => Promise<T>) => Promise.all(Array.from({ length: count }, make));

/** The largest number of events within a window of this length. */
function mostWithin(windowMs: number, moments: readonly number[]): number {
  return Math.max(
    ...moments.map((from) => moments.filter((at) => at >= from && at < from + windowMs).length),
  );
}

describe('a server that gets SIGTERM', () => {
  test('sends bye to 50 streams and 20 sockets one after the other, and exits in time', async ({
    databaseUrl,
  }) => {
    const cliniko = await startClinikoSimulator({ patients: 1 });
    onTestFinished(() => cliniko.close());
    const environment = { DRAIN_MS: String(DRAIN_MS) };
    const { url, child } = await startServerProcess({ cliniko, databaseUrl, environment });
    const ends = [...(await times(50, () => endOfStream(url))), ...(await times(20, () => endOfSocket(url)))];
    const readiness = async () => (await fetch(`${url}/readyz`)).status;
    expect(await readiness()).toBe(200);

    const signalledAt = performance.now();
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await vi.waitFor(async () => expect(await readiness()).toBe(503), { timeout: 5_000, interval: 10 });
    await Promise.race(ends.map((end) => end()));
    expect(await readiness()).toBe(503);
    const byes = await Promise.all(ends.map((end) => end()));

    expect(await exit).toEqual([0, null]);
    expect(performance.now() - signalledAt).toBeLessThan(DRAIN_MS + LEAVE_MS);
    expect(new Set(byes.map(({ bye }) => bye.reason))).toEqual(new Set(['restart']));
    const retries = byes.map(({ bye }) => bye.retry_ms);
    expect(Math.min(...retries)).toBeGreaterThanOrEqual(500);
    expect(new Set(retries).size).toBeGreaterThan(50);
    const moments = byes.map(({ at }) => at - signalledAt);
    expect(Math.max(...moments) - Math.min(...moments)).toBeGreaterThan(DRAIN_MS * 0.4);
    expect(Math.max(...moments)).toBeLessThan(DRAIN_MS + LEAVE_MS);
    expect(mostWithin(100, moments)).toBeLessThan(50);
  });
});
