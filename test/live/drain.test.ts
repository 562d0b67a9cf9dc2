/** SIGTERM to a server in a process of its own, with many streams open: how each of them is told, and when. */
import { once } from 'node:events';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { Bye } from '#contract/stream-event.ts';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { test } from '../support/database.ts';
import { startServerProcess } from '../support/server-process.ts';
import { openSocket } from '../support/socket.ts';
import { openStream } from '../support/stream.ts';

const DRAIN_MS = 3_000;
/** Beyond it the process may take this long. */
const LEAVE_MS = 5_000;
const RESTART = 1012;

/** How it ended for one client. */
interface Goodbye {
  bye: Bye;
  at: number;
}

async function endOfStream(url: string): Promise<() => Promise<Goodbye>> {
  const stream = await openStream(`${url}/api/v1/cliniko/sync-logs/55/events`);
  await stream.until((sent) => sent.length === 2);
  const ended = stream.ended.then(() => performance.now());
  return async () => {
    const at = await ended;
    return { bye: Bye.parse(JSON.parse(stream.events.at(-1)?.data ?? '')), at };
  };
}

async function endOfSocket(url: string): Promise<() => Promise<Goodbye>> {
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

/** The most that happen within so many milliseconds. */
function mostWithin(windowMs: number, moments: readonly number[]): number {
  return Math.max(
    ...moments.map((from) => moments.filter((at) => at >= from && at < from + windowMs).length),
  );
}

describe('a server that is told to stop', () => {
  test('says goodbye to 50 streams and 20 sockets one by one, and is gone in time', async ({
    databaseUrl,
  }) => {
    const cliniko = await startClinikoSimulator({ patients: 1 });
    onTestFinished(() => cliniko.close());
    const environment = { DRAIN_MS: String(DRAIN_MS) };
    const { url, child } = await startServerProcess({ cliniko, databaseUrl, environment });
    const ends = [...(await times(50, () => endOfStream(url))), ...(await times(20, () => endOfSocket(url)))];
    const readiness = async () => (await fetch(`${url}/readyz`)).status;
    expect(await readiness()).toBe(200);

    const told = performance.now();
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await vi.waitFor(async () => expect(await readiness()).toBe(503), { timeout: 5_000, interval: 10 });
    await Promise.race(ends.map((end) => end()));
    expect(await readiness()).toBe(503);
    const goodbyes = await Promise.all(ends.map((end) => end()));

    expect(await exit).toEqual([0, null]);
    expect(performance.now() - told).toBeLessThan(DRAIN_MS + LEAVE_MS);
    expect(new Set(goodbyes.map(({ bye }) => bye.reason))).toEqual(new Set(['restart']));
    const retries = goodbyes.map(({ bye }) => bye.retry_ms);
    expect(Math.min(...retries)).toBeGreaterThanOrEqual(500);
    expect(new Set(retries).size).toBeGreaterThan(50);
    const moments = goodbyes.map(({ at }) => at - told);
    expect(Math.max(...moments) - Math.min(...moments)).toBeGreaterThan(DRAIN_MS * 0.4);
    expect(Math.max(...moments)).toBeLessThan(DRAIN_MS + LEAVE_MS);
    expect(mostWithin(100, moments)).toBeLessThan(50);
  });
});
