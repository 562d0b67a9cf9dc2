/** From Server-Sent Events to WebSocket to poll and back, with fakes of all three and a fake clock. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SyncLog } from '#contract/sync-log.ts';
import type { Connection } from '../../web-client/src/live/connection.ts';
import type { OrganizationState } from '../../web-client/src/live/organization-state.ts';
import {
  type OrganizationWatch,
  type WatchOptions,
  watchOrganization,
} from '../../web-client/src/live/watch-organization.ts';
import { createFakeEventSources } from './support/fake-event-source.ts';
import { createFakeSockets, SOCKET_HELLO, subscribed } from './support/fake-socket.ts';
import { aChange, aLog, aSnapshot } from './support/logs.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop();
  vi.useRealTimers();
});
const watches: OrganizationWatch[] = [];

async function watch(options: Partial<WatchOptions> = {}) {
  const sources = createFakeEventSources();
  const sockets = createFakeSockets();
  const requests: { url: string; headers: Headers; body: unknown }[] = [];
  const seen: { connection: Connection; state: OrganizationState }[] = [];
  let answer: SyncLog | number = 503;
  const fakeFetch: typeof fetch = async (url, init) => {
    requests.push({ url: String(url), headers: new Headers(init?.headers), body: init?.body });
    if (String(url).endsWith('/stream-tokens')) return Response.json({ token: 'exchanged' }, { status: 201 });
    if (typeof answer === 'number') return new Response(null, { status: answer });
    return new Response(JSON.stringify({ logs: [answer] }), { headers: { etag: '"k7x2.4"' } });
  };
  const opened = watchOrganization(123, {
    baseUrl: 'http://localhost:8000',
    openEventSource: sources.open,
    openSocket: sockets.openSocket,
    fetch: fakeFetch,
    onState: (state, connection) => seen.push({ state, connection }),
    ...options,
  });
  watches.push(opened);
  await settle();
  return {
    ...sources,
    ...sockets,
    ...opened,
    requests,
    answers: (next: SyncLog | number) => {
      answer = next;
    },
    /** The reported transports, without repetitions. */
    ways: () =>
      seen.map(({ connection }) => connection.transport).filter((way, i, all) => way !== all[i - 1]),
    connection: () => seen.at(-1)?.connection,
    state: () => seen.at(-1)?.state,
  };
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('where Server-Sent Events are blocked', () => {
  test('the WebSocket takes over, with every event, and the poll only bridges the gap between them', async () => {
    const page = await watch();
    page.answers(aLog({ percent: 10 }));
    page.newest().fail();
    await settle();
    expect(page.newestSocket().url).toBe('ws://localhost:8000/api/v1/cliniko/ws');
    page.newestSocket().say(SOCKET_HELLO);
    expect(page.newestSocket().sent).toEqual([
      {
        type: 'subscribe',
        id: 'organization',
        organizations: [123],
        conflate_ms: 0,
        since: { 123: 'k7x2.4' },
      },
    ]);
    page.newestSocket().say(subscribed(true, 123), aChange('k7x2.5', aLog({ percent: 40 })));
    await pass(10_000);
    expect(page.ways()).toEqual(['poll', 'websocket']);
    expect(page.state()).toMatchObject({ cursor: 'k7x2.5', percent: 40 });
    expect(page.requests).toHaveLength(1);
  });

  test('and WebSockets too, the poll continues, and the best transport is tried again later', async () => {
    const page = await watch();
    page.answers(aLog({ percent: 10 }));
    page.newest().fail();
    await settle();
    page.newestSocket().drop();
    await pass(6_000);
    expect(page.connection()).toMatchObject({ kind: 'polling', transport: 'poll' });
    expect(page.requests.length).toBeGreaterThanOrEqual(3);
    expect(page.opened).toHaveLength(1);
    await pass(9_000);
    expect(page.opened).toHaveLength(2);
    expect(page.newest().url).toContain('?since=k7x2.4');
  });

  test('the WebSocket stays open until they work again, and the change keeps the cursor', async () => {
    const page = await watch();
    page.newest().fail();
    await settle();
    page.newestSocket().say(SOCKET_HELLO, subscribed(true, 123), aSnapshot('k7x2.4', null));
    await pass(15_000);
    expect(page.opened).toHaveLength(2);
    expect(page.newestSocket().isClosed).toBe(false);
    // A failed attempt has no visible effect.
    page.newest().fail();
    page.newestSocket().say(aChange('k7x2.5', aLog({ percent: 40 })));
    expect(page.connection()).toMatchObject({ kind: 'live', transport: 'websocket' });

    await pass(15_000);
    while (page.newest().isClosed) await pass(1_000);
    expect(page.newest().url).toContain('?since=k7x2.5');
    page.newest().hello({ head: 'k7x2.5' });
    expect(page.newestSocket().isClosed).toBe(true);
    expect(page.connection()).toMatchObject({ kind: 'live', transport: 'sse', isCatchingUp: false });
    expect(page.sockets).toHaveLength(1);
  });

  test('a ping of the WebSocket proves a gap as well', async () => {
    const page = await watch();
    page.newest().fail();
    await settle();
    page.newestSocket().say(SOCKET_HELLO, subscribed(true, 123), aSnapshot('k7x2.4', null));
    page.newestSocket().say({ v: 1, type: 'ping', heads: { 123: 'k7x2.4', 124: 'k7x2.9' } });
    expect(page.newestSocket().isClosed).toBe(false);
    page.newestSocket().say({ v: 1, type: 'ping', heads: { 123: 'other.4' } });
    await settle();
    expect(page.sockets).toHaveLength(2);
    page.newestSocket().say(SOCKET_HELLO);
    expect(page.newestSocket().sent).toMatchObject([{ since: { 123: 'k7x2.4' } }]);
    // Another history: it says nothing about the cursor from before.
    page.newestSocket().say(subscribed(false, 123), { v: 1, type: 'ping', heads: { 123: 'other.4' } });
    expect(page.newestSocket().isClosed).toBe(false);
  });
});

describe('with accounts', () => {
  test('each stream carries a fresh token in its address, and each request one in its header', async () => {
    const reasons: string[] = [];
    const page = await watch({
      getStreamToken: async (why) => {
        reasons.push(why);
        return `stream ${reasons.length}`;
      },
      getToken: async () => 'api',
    });
    const events = 'http://localhost:8000/api/v1/cliniko/sync-logs/123/events';
    expect(page.newest().url).toBe(`${events}?token=stream%201`);
    page.newest().hello();
    page.newest().say('snapshot', aSnapshot('k7x2.4', null));
    page.newest().say('bye', { v: 1, type: 'bye', reason: 'reauth', retry_ms: 50 });
    await pass(50);
    expect(page.newest().url).toBe(`${events}?token=stream%202&since=k7x2.4`);
    expect(reasons).toEqual(['connect', 'reauth']);

    page.newest().fail();
    await settle();
    expect(page.newestSocket().url).toBe('ws://localhost:8000/api/v1/cliniko/ws?token=stream%203');
    expect(page.requests[0]?.headers.get('authorization')).toBe('Bearer api');
    expect(page.requests[0]?.url).not.toContain('token');
  });

  test('an API token alone is exchanged for stream tokens of this organization', async () => {
    const page = await watch({ getToken: async () => 'api' });
    expect(page.newest().url).toContain('/events?token=exchanged');
    expect(page.requests).toMatchObject([{ url: 'http://localhost:8000/api/v1/stream-tokens' }]);
    expect(page.requests[0]?.headers.get('authorization')).toBe('Bearer api');
    expect(page.requests[0]?.body).toBe('{"organizations":[123]}');
  });

  test('a refusal is reported with its status, and a failing hook counts as a failing stream', async () => {
    const page = await watch({ getStreamToken: () => Promise.reject(new Error('signed out')) });
    page.answers(401);
    await settle();
    expect(page.connection()?.kind).toBe('offline');
    const allowed = await watch();
    allowed.answers(403);
    allowed.newest().fail();
    await settle();
    expect(allowed.connection()).toMatchObject({ kind: 'offline', refusedWith: 403 });
  });
});

describe('a watch that is stopped while it reports', () => {
  const stoppedAt = async (kind: Connection['kind']) => {
    const kinds: string[] = [];
    const page = await watch({
      onState(_, connection) {
        kinds.push(connection.kind);
        if (connection.kind === kind) page.stop();
      },
    });
    return { ...page, kinds };
  };
  const doesNothingMore = async ({ kinds, opened, sockets }: Awaited<ReturnType<typeof stoppedAt>>) => {
    const before = [kinds.length, opened.length, sockets.length];
    await pass(120_000);
    expect([kinds.length, opened.length, sockets.length]).toEqual(before);
    expect(vi.getTimerCount()).toBe(0);
  };

  test('that its stream broke opens no other', async () => {
    const page = await stoppedAt('connecting');
    page.newest().hello();
    page.newest().fail();
    await doesNothingMore(page);
  });

  test('that a WebSocket is live opens no better stream', async () => {
    const page = await stoppedAt('live');
    page.newest().fail();
    await settle();
    page.newestSocket().say(SOCKET_HELLO, subscribed(true, 123));
    await doesNothingMore(page);
  });

  test('that the server is back opens no stream', async () => {
    const page = await stoppedAt('polling');
    page.newest().fail();
    await settle();
    page.newestSocket().drop();
    page.answers(aLog());
    await pass(2_000);
    expect(page.kinds).toEqual(['offline', 'polling']);
    await doesNothingMore(page);
  });
});
