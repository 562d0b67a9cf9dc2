/** The console's WebSocket: its subscription, and its recovery after a loss. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { OpenReason } from '../../web-client/src/live/access.ts';
import type { Connection } from '../../web-client/src/live/connection.ts';
import { cursorsWithin, type EverythingState } from '../../web-client/src/live/everything-state.ts';
import { OrganizationMap } from '../../web-client/src/live/organization-map.ts';
import { unknownOrganization } from '../../web-client/src/live/organization-state.ts';
import { type EverythingWatch, watchEverything } from '../../web-client/src/live/watch-everything.ts';
import { createFakeSockets, SOCKET_HELLO, subscribed } from './support/fake-socket.ts';
import { aChange, aLog, aSnapshot } from './support/logs.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop();
  vi.useRealTimers();
});
const watches: EverythingWatch[] = [];

interface Page {
  getStreamToken?: (why: OpenReason) => Promise<string>;
  answer?: Response;
  /** The page stops the watch in the call that reports this. */
  stopsAt?: 'connecting' | 'event';
}

async function watch({ getStreamToken, answer, stopsAt }: Page = {}) {
  const { sockets, openSocket, newestSocket } = createFakeSockets();
  const kinds: string[] = [];
  let everything: EverythingState = new Map();
  let last: Connection | undefined;
  const opened = watchEverything({
    baseUrl: 'http://localhost:8000',
    openSocket,
    getStreamToken,
    fetch: async () => answer ?? Promise.reject(new TypeError('fetch failed')),
    onEvent: () => stopsAt === 'event' && opened.stop(),
    onState: (next, connection) => {
      everything = next;
      last = connection;
      if (kinds.at(-1) !== connection.kind) kinds.push(connection.kind);
      if (connection.kind === stopsAt) opened.stop();
    },
  });
  watches.push(opened);
  // An address is awaited first: it may need a token.
  await vi.advanceTimersByTimeAsync(0);
  return {
    sockets,
    reconnect: opened.reconnect,
    stop: opened.stop,
    newest: newestSocket,
    kinds,
    connection: () => last,
    of: (id: number) => everything.get(id),
  };
}

describe('the ops console', () => {
  test('subscribes to everything in the first address', async () => {
    const page = await watch();
    expect(page.newest().url).toBe('ws://localhost:8000/api/v1/cliniko/ws?organizations=*');
    page.newest().say(SOCKET_HELLO, subscribed(true, 123), aSnapshot('k7x2.4', aLog({ percent: 12 })));
    expect(page.kinds).toEqual(['live']);
    expect(page.of(123)).toMatchObject({ percent: 12, cursor: 'k7x2.4' });
    expect(page.newest().sent).toEqual([]);
  });

  test('adds organizations that appear later, and leaves the others unchanged', async () => {
    const page = await watch();
    page.newest().say(SOCKET_HELLO, subscribed(true, 123), aSnapshot('k7x2.4', null));
    const before = page.of(123);
    page.newest().say(aChange('k7x2.1', aLog({ organization_id: 9 }), 'started'));
    expect(page.of(9)?.log?.status).toBe('running');
    expect(page.of(123)).toBe(before);
  });

  test('catches up until the last portion of many organizations has arrived', async () => {
    const page = await watch();
    page.newest().say(SOCKET_HELLO, { ...subscribed(true, 123), more: true }, aSnapshot('k7x2.4', null));
    expect(page.connection()).toMatchObject({ kind: 'live', isCatchingUp: true });
    page.newest().say(subscribed(true, 123));
    expect(page.connection()).toMatchObject({ kind: 'live', isCatchingUp: false });
  });

  test('reconnects with its known cursors, and is offline when that fails', async () => {
    const page = await watch();
    page.newest().say(SOCKET_HELLO, subscribed(true, 123), aSnapshot('k7x2.4', null));
    page.newest().drop();
    expect(page.kinds).toEqual(['live', 'connecting']);
    await vi.advanceTimersByTimeAsync(500);
    expect(page.newest().url).toBe('ws://localhost:8000/api/v1/cliniko/ws');
    page.newest().drop();
    expect(page.kinds).toEqual(['live', 'connecting', 'offline']);

    await vi.advanceTimersByTimeAsync(1_000);
    page.newest().say(SOCKET_HELLO);
    expect(page.newest().sent).toEqual([
      { type: 'subscribe', id: 'all', organizations: '*', since: { 123: 'k7x2.4' } },
    ]);
    page.newest().say(subscribed(true, 123));
    expect(page.kinds.at(-1)).toBe('live');
  });

  test('keeps a socket whose pings arrive in time', async () => {
    const page = await watch();
    page.newest().say(SOCKET_HELLO, subscribed(true, 123));
    for (let heartbeat = 1; heartbeat <= 4; heartbeat += 1) {
      await vi.advanceTimersByTimeAsync(15_000);
      page.newest().say({ v: 1, type: 'ping', heads: {} });
    }
    expect(page.sockets).toHaveLength(1);
    expect(page.newest().isClosed).toBe(false);
  });

  test.each([
    ['arrives', () => Promise.resolve('a token')],
    ['fails', () => Promise.reject(new Error('no token'))],
  ] as const)('opens nothing when it is stopped before its token %s', async (_, settle) => {
    let asked = 0;
    let end = (): void => {};
    const page = await watch({
      getStreamToken() {
        asked += 1;
        return new Promise((resolve) => {
          end = () => resolve(settle());
        });
      },
    });
    page.stop();
    end();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(1);
    expect(page.sockets.filter(({ isClosed }) => !isClosed)).toEqual([]);
  });

  test('opens nothing when the network comes back after it was stopped', async () => {
    const page = await watch();
    page.newest().drop();
    page.stop();
    page.reconnect();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(page.sockets).toHaveLength(1);
  });

  test('does nothing after it was stopped while it reports', async () => {
    const lost = await watch({ stopsAt: 'connecting' });
    lost.newest().say(SOCKET_HELLO, subscribed(true, 123));
    lost.newest().drop();
    const changed = await watch({ stopsAt: 'event' });
    changed.newest().say(SOCKET_HELLO, subscribed(true, 123), aSnapshot('k7x2.4', null));
    await vi.advanceTimersByTimeAsync(60_000);
    expect([lost.sockets.length, changed.of(123)?.isKnown]).toEqual([1, false]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('opens one socket when the network comes back, and none beside the one that is open', async () => {
    const page = await watch();
    page.newest().say(SOCKET_HELLO, subscribed(true, 123));
    page.reconnect();
    await vi.advanceTimersByTimeAsync(0);
    expect(page.sockets).toHaveLength(1);
    page.newest().drop();
    page.reconnect();
    await vi.advanceTimersByTimeAsync(0);
    expect(page.sockets).toHaveLength(2);
    page.newest().say(SOCKET_HELLO, subscribed(true, 123));
    // The attempt that was planned before.
    await vi.advanceTimersByTimeAsync(1_000);
    expect(page.sockets).toHaveLength(2);
  });

  test('accepts a snapshot with a lower cursor when the history was lost', async () => {
    const page = await watch();
    page.newest().say(SOCKET_HELLO, subscribed(true, 123), aSnapshot('k7x2.400', aLog()));
    page.newest().say(subscribed(false, 123), aSnapshot('k7x2.4', null));
    expect(page.of(123)).toMatchObject({ cursor: 'k7x2.4', log: null });
  });

  test('reconnects when the server asks for it', async () => {
    const page = await watch();
    page
      .newest()
      .say(SOCKET_HELLO, subscribed(true), { v: 1, type: 'bye', reason: 'restart', retry_ms: 3_000 });
    page.newest().drop();
    await vi.advanceTimersByTimeAsync(2_999);
    expect(page.sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(page.sockets).toHaveLength(2);
  });

  test('is catching up until every organization has reached its head', async () => {
    const page = await watch();
    page.newest().say(SOCKET_HELLO, subscribed(true, 123, 124), aSnapshot('k7x2.4', null));
    expect(page.connection()).toMatchObject({ kind: 'live', transport: 'websocket', isCatchingUp: true });
    page.newest().say(aSnapshot('k7x2.4', null, 124));
    expect(page.connection()).toMatchObject({ kind: 'live', isCatchingUp: false });
  });

  test('requests a new token when the server reports that the old one expires', async () => {
    const reasons: string[] = [];
    const page = await watch({
      async getStreamToken(why) {
        reasons.push(why);
        return `t${reasons.length}`;
      },
    });
    expect(page.newest().url).toBe('ws://localhost:8000/api/v1/cliniko/ws?organizations=*&token=t1');
    page.newest().say(SOCKET_HELLO, subscribed(true, 123), aSnapshot('k7x2.4', null));
    page.newest().say({ v: 1, type: 'bye', reason: 'reauth', retry_ms: 10 });
    page.newest().drop();
    await vi.advanceTimersByTimeAsync(10);
    expect(page.newest().url).toBe('ws://localhost:8000/api/v1/cliniko/ws?token=t2');
    expect(reasons).toEqual(['connect', 'reauth']);
  });

  test('dates a lost connection by the last ping', async () => {
    const page = await watch();
    page.newest().say(SOCKET_HELLO, subscribed(true, 123), aSnapshot('k7x2.4', null));
    await vi.advanceTimersByTimeAsync(15_000);
    page.newest().say({ v: 1, type: 'ping', heads: { 123: 'k7x2.4' } });
    const lastSignAt = Date.now();
    vi.setSystemTime(lastSignAt + 8 * 3_600_000);
    await vi.advanceTimersByTimeAsync(20_000);
    page.newest().drop();
    expect(page.connection()).toMatchObject({ kind: 'offline', since: lastSignAt });
  });

  test('reconnects when a ping proves a gap, an event is unreadable, or the socket is silent', async () => {
    const page = await watch();
    page.newest().say(SOCKET_HELLO, subscribed(true, 123), aSnapshot('k7x2.4', null));
    page.newest().say({ v: 1, type: 'ping', heads: { 123: 'k7x2.4' } });
    expect(page.sockets[0]?.isClosed).toBe(false);
    page.newest().say({ v: 1, type: 'ping', heads: { 123: 'k7x2.5' } });
    expect(page.sockets[0]?.isClosed).toBe(true);

    await vi.advanceTimersByTimeAsync(1_000);
    page.newest().say(SOCKET_HELLO, subscribed(true, 123), { ...aChange('k7x2.5', aLog()), seq: 0.5 });
    expect(page.sockets[1]?.isClosed).toBe(true);

    await vi.advanceTimersByTimeAsync(1_000);
    page.newest().say(SOCKET_HELLO, subscribed(true, 123));
    await vi.advanceTimersByTimeAsync(22_500);
    expect(page.sockets[2]?.isClosed).toBe(true);
  });

  test('shows why the server refuses the page, instead of only being offline', async () => {
    const detail = 'The page is of the origin https://sync.example, but the Host header is 127.0.0.1:8000.';
    const page = await watch({ answer: Response.json({ status: 403, detail }, { status: 403 }) });
    page.newest().drop();
    await vi.advanceTimersByTimeAsync(500);
    page.newest().drop();
    await vi.advanceTimersByTimeAsync(0);
    expect(page.connection()).toMatchObject({ kind: 'offline', refusal: detail });
  });
});

test('the map of organizations changes in copies, of which each keeps its states', () => {
  const ids = Array.from({ length: 1_000 }, (_, i) => i + 1);
  const first = OrganizationMap.empty.with(ids.map(unknownOrganization));
  const changed = { ...unknownOrganization(257), isKnown: true };
  const second = first.with([changed, unknownOrganization(2_147_483_647), unknownOrganization(-5)]);
  expect([OrganizationMap.empty.size, first.size, second.size]).toEqual([0, 1_000, 1_002]);
  expect(new Map(first)).toEqual(new Map(ids.map((id) => [id, unknownOrganization(id)])));
  expect(new Set(second.keys())).toEqual(new Set([...ids, 2_147_483_647, -5]));
  expect(new Set(second.values()).has(changed)).toBe(true);
  expect([second.get(257), second.has(2_000), second.get(1)]).toEqual([changed, false, first.get(1)]);
  const seen: number[] = [];
  second.forEach(({ organizationId }, id, map) => {
    expect(map.get(id)?.organizationId).toBe(organizationId);
    seen.push(id);
  });
  expect(seen).toEqual([...second.keys()]);
  expect(second.with([changed])).toBe(second);
});

test('a subscribe frame has no more cursors than the server reads', () => {
  const many: EverythingState = new Map(
    Array.from({ length: 2_000 }, (_, i) => [i + 1, { ...unknownOrganization(i + 1), cursor: `k7x2.${i}` }]),
  );
  const cursors = cursorsWithin(many, 15_000);
  expect(JSON.stringify(cursors).length).toBeLessThanOrEqual(15_002);
  expect(Object.keys(cursors).length).toBeGreaterThan(500);
});
