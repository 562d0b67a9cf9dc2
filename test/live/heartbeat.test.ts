/** What open connections get while nothing happens: pings with their cursor, protocol pings, and their rotation. */
import { describe, expect, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Bye, HEARTBEAT_MS, Ping } from '#contract/stream-event.ts';
import { test } from '../support/database.ts';
import type { SentEvent } from '../support/sent-event.ts';
import { startTestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { helloOf, openStream } from '../support/stream.ts';
import { wholeSync } from '../support/whole-sync.ts';

const KEEP_ALIVE_MS = 20_000;
const MINUTE_MS = 60_000;

/** A server whose heartbeats come when the test says so. */
async function startServer(databaseUrl: string) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const server = await startTestServer(databaseUrl, { patients: 3 });
  return { ...server, pass: (ms: number) => void vi.advanceTimersByTime(ms) };
}

type Server = Awaited<ReturnType<typeof startServer>>;

/** One connection of each kind, all of organization 123. */
async function openAll(server: Server) {
  const runs = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
  const changes = await openStream(`${server.url}/api/v1/cliniko/patients/123/changes/stream`);
  const socket = await openSocket(server, '?organizations=123');
  socket.send({ type: 'subscribe_changes', id: 'changes', organizations: [123] });
  await runs.until((sent) => sent.length === 2);
  await changes.until((sent) => sent.length === 1);
  await socket.until('subscribed', 2);
  return { runs, changes, socket };
}

const isPing = ({ event }: SentEvent) => event === 'ping';

/** The last cursor that a stream had written before its newest ping. */
const lastIdOf = (sent: readonly SentEvent[]) =>
  sent.slice(0, sent.findLastIndex(isPing)).findLast(({ id }) => id !== undefined)?.id;

const newestPing = (sent: readonly SentEvent[]): unknown => JSON.parse(sent.findLast(isPing)?.data ?? 'null');

describe('every 15 s', () => {
  test('a ping has the last cursor that was written on this very stream', async ({ databaseUrl }) => {
    const server = await startServer(databaseUrl);
    const { runs, changes, socket } = await openAll(server);
    server.pass(HEARTBEAT_MS);
    const nothingYet = newestPing(await changes.until((sent) => sent.some(isPing)));
    expect(nothingYet).toMatchObject({ cursor: helloOf(changes.events).head });

    await wholeSync(server);
    await runs.until((sent) => sent.at(-1)?.event === 'completed');
    await changes.until((sent) => sent.filter(({ event }) => event === 'change').length === 3);
    await socket.until('completed');
    await vi.waitFor(() => expect(socket.changes()).toHaveLength(3));
    const before = runs.events.filter(isPing).length;
    const framesBefore = socket.frames().filter(({ type }) => type === 'ping').length;
    server.pass(HEARTBEAT_MS);
    await runs.until((sent) => sent.filter(isPing).length > before);
    await changes.until((sent) => isPing(sent.at(-1) ?? { id: '', event: '', data: '' }));
    const frames = await socket.until('ping', framesBefore + 2);

    const cursor = lastIdOf(runs.events);
    const change = lastIdOf(changes.events);
    expect(cursor?.split('.')[1]).not.toBe('0');
    expect(change).toMatch(/\.3$/);
    expect(Ping.parse(newestPing(runs.events))).toEqual({ v: 1, type: 'ping', organization_id: 123, cursor });
    expect(newestPing(changes.events)).toEqual({ v: 1, type: 'ping', organization_id: 123, cursor: change });
    expect(
      [...runs.events, ...changes.events].filter((sent) => isPing(sent) && sent.id !== undefined),
    ).toEqual([]);
    expect(frames.slice(-2)).toEqual([
      { v: 1, type: 'ping', heads: { 123: cursor } },
      { v: 1, type: 'ping', heads: {}, changes: { 123: change } },
    ]);
  });
});

describe('a WebSocket', () => {
  test('gets a protocol ping every 20 s, and is ended when it did not answer the last one', async ({
    databaseUrl,
  }) => {
    const server = await startServer(databaseUrl);
    const alive = await openSocket(server, '?organizations=123');
    const silent = new WebSocket(`${server.url.replace('http', 'ws')}/api/v1/cliniko/ws`, {
      autoPong: false,
    });
    onTestFinished(() => silent.terminate());
    const closed = new Promise((resolve) => silent.on('close', resolve).on('error', () => {}));
    let pings = 0;
    silent.on('ping', () => (pings += 1));
    await new Promise((resolve) => silent.on('open', resolve));
    server.pass(KEEP_ALIVE_MS);
    await vi.waitFor(() => expect(pings).toBe(1));
    // Its answer arrives behind the one to the protocol ping.
    alive.send({ type: 'ping' });
    await alive.until('pong');
    expect(silent.readyState).toBe(WebSocket.OPEN);

    server.pass(KEEP_ALIVE_MS);
    expect(await closed).toBe(1006);
    expect(pings).toBe(1);
    alive.send({ type: 'ping' });
    await alive.until('pong', 2);
  });
});

describe('after 8 to 12 minutes', () => {
  test('a connection of any kind says bye, and the client may come back after a random pause', async ({
    databaseUrl,
  }) => {
    const server = await startServer(databaseUrl);
    const { runs, changes, socket } = await openAll(server);
    const clock = performance.now.bind(performance);
    let passed = 8 * MINUTE_MS - 30_000;
    vi.spyOn(performance, 'now').mockImplementation(() => clock() + passed);
    server.pass(HEARTBEAT_MS);
    for (const stream of [runs, changes]) await stream.until((sent) => sent.some(isPing));
    await socket.until('ping', 2);
    socket.send({ type: 'ping' });
    await socket.until('pong');
    expect(socket.frames().some(({ type }) => type === 'bye')).toBe(false);

    passed = 12 * MINUTE_MS;
    server.pass(HEARTBEAT_MS);
    await Promise.all([runs.ended, changes.ended]);
    expect(await socket.closed).toBe(1012);
    const byes = [runs, changes].map(({ events }) => JSON.parse(events.at(-1)?.data ?? 'null'));
    for (const bye of [...byes, socket.frames().at(-1)]) {
      expect(Bye.parse(bye)).toMatchObject({ type: 'bye', reason: 'rotate' });
      expect(Bye.parse(bye).retry_ms).toBeGreaterThanOrEqual(500);
    }
  });
});
