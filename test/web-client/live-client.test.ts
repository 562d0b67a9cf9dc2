/** The client library in Node, against a real server: streams by `fetch`, WebSockets of `ws`, and pages of other origins. */
import { describe, expect, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import {
  createLiveClient,
  type LiveClientOptions,
  type OpenSocket,
} from '../../web-client/src/live/live-client.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { openStream } from '../support/stream.ts';

const openSocket: OpenSocket = (url, subprotocol) => new WebSocket(url, subprotocol);
const PATIENCE = { timeout: 20_000, interval: 10 };

function connect(server: TestServer, options: Partial<LiveClientOptions> = {}) {
  const client = createLiveClient({ baseUrl: server.url, openSocket, ...options });
  onTestFinished(() => client.close());
  return client;
}

describe('the client library in Node', () => {
  test('watches a whole sync on an event stream made of fetch', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 50 });
    const percents: number[] = [];
    const kinds = new Set<string>();
    let status: string | undefined;
    connect(server).watchOrganization(123, ({ log, percent }, { kind, transport }) => {
      kinds.add(`${kind} by ${transport}`);
      if (log !== null) percents.push(percent);
      status = log?.status;
    });
    await vi.waitFor(() => expect(kinds).toContain('live by sse'), PATIENCE);
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await vi.waitFor(() => expect(status).toBe('completed'), PATIENCE);
    expect(percents).toEqual([...percents].sort((one, other) => one - other));
    expect(percents.at(-1)).toBe(100);
    expect(kinds).toEqual(new Set(['live by sse']));
  });

  test('uses WebSocket where event streams are blocked, and polls without one', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const withoutStreams: typeof fetch = async (url, init) => {
      if (String(url).includes('/events')) throw new TypeError('fetch failed');
      return fetch(url, init);
    };
    const ways: (string | undefined)[] = [];
    connect(server, { fetch: withoutStreams }).watchOrganization(123, (_state, { transport }) =>
      ways.push(transport),
    );
    await vi.waitFor(() => expect(ways).toContain('websocket'), PATIENCE);

    let polled: string | undefined;
    const dead: OpenSocket = () => new WebSocket('ws://127.0.0.1:1');
    connect(server, { fetch: withoutStreams, openSocket: dead }).watchOrganization(
      123,
      ({ log }, { transport }) => {
        polled = `${log?.status} by ${transport}`;
      },
    );
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await vi.waitFor(() => expect(polled).toBe('completed by poll'), PATIENCE);
    expect(ways.at(-1)).toBe('websocket');
  });

  test('gets a run that is too long for its event stream by another transport, and what follows', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connectInTest(databaseUrl);
    const watchBy = (options: Partial<LiveClientOptions>) => {
      const seen = { run: '', ways: new Set<string>() };
      connect(server, options).watchOrganization(123, ({ log }, { kind, transport }) => {
        seen.run = log?.operation_type ?? '';
        seen.ways.add(`${kind} by ${transport}`);
      });
      return seen;
    };
    const insert = (type: string, length: number) => sql`
      insert into sync_logs (organization_id, operation_type, status, started_at, metadata)
      values (123, ${type}, 'completed', now(), jsonb_build_object('notes', repeat('x', ${length})))`;
    const [withSocket, without] = [watchBy({}), watchBy({ openSocket: undefined })];
    const all = [withSocket, without];
    await vi.waitFor(() => expect(all.every(({ ways }) => ways.has('live by sse'))).toBe(true), PATIENCE);

    await insert('long', 2_000_000);
    await vi.waitFor(() => expect(all.map(({ run }) => run)).toEqual(['long', 'long']), PATIENCE);
    await insert('next', 1);
    await vi.waitFor(() => expect(all.map(({ run }) => run)).toEqual(['next', 'next']), PATIENCE);
    expect(withSocket.ways).toContain('live by websocket');
    expect(without.ways).toContain('polling by poll');
  });

  test('watches everything on one WebSocket', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [123, 124], patients: 20 });
    let ended: (number | undefined)[] = [];
    connect(server).watchEverything((everything) => {
      ended = [...everything.values()]
        .filter(({ log }) => log?.status === 'completed')
        .map(({ log }) => log?.organization_id);
    });
    for (const id of [123, 124]) await server.api(`/cliniko/sync-all/${id}`, { method: 'POST' });
    await vi.waitFor(() => expect(ended.sort()).toEqual([123, 124]), PATIENCE);
  });

  test('watches everything again after a lost connection, also with rows of organizations that have no address', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (0, 'nightly', 'failed', now()), (-5, 'nightly', 'failed', now())`;
    const sockets: WebSocket[] = [];
    let seen: number[] = [];
    let kind: string | undefined;
    const withRecord: OpenSocket = (url, subprotocol) => {
      const socket = new WebSocket(url, subprotocol);
      sockets.push(socket);
      return socket;
    };
    connect(server, { openSocket: withRecord }).watchEverything((everything, connection) => {
      seen = [...everything].flatMap(([id, { log }]) => (log === null ? [] : [id]));
      kind = connection.kind;
    });
    await vi.waitFor(() => expect(seen.sort()).toEqual([-5, 0]), PATIENCE);
    sockets[0]?.terminate();
    await vi.waitFor(() => expect(kind).not.toBe('live'), PATIENCE);
    await vi.waitFor(() => expect(kind).toBe('live'), PATIENCE);
    expect(sockets).toHaveLength(2);
  });
});

describe('a page of another origin', () => {
  test('in ALLOWED_ORIGINS can read streams and polls, and their cursors', async ({ databaseUrl }) => {
    const origin = 'https://admin.example';
    const server = await startTestServer(databaseUrl, { config: { allowedOrigins: [origin] } });
    const logs = `${server.url}/api/v1/cliniko/sync-logs/123`;
    const stream = await openStream(`${logs}/events`, { origin });
    await stream.until((events) => events.length === 2);
    expect(stream.response.headers.get('access-control-allow-origin')).toBe(origin);
    expect(stream.response.headers.get('vary')).toContain('Origin');
    const poll = await fetch(logs, { headers: { origin } });
    expect(poll.headers.get('access-control-allow-origin')).toBe(origin);
    expect(poll.headers.get('access-control-expose-headers')).toContain('etag');
    const preflight = await fetch(logs, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-headers': 'if-none-match' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('if-none-match');

    // The hijacked response is not overwritten: the stream continues to its `bye`.
    await server.stop();
    await stream.ended;
    expect(stream.events.map(({ event }) => event)).toEqual(['hello', 'snapshot', 'bye']);
    expect(stream.text()).not.toContain('Error');
  });

  test('outside ALLOWED_ORIGINS gets no permission', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, {
      config: { allowedOrigins: ['https://admin.example'] },
    });
    const logs = `${server.url}/api/v1/cliniko/sync-logs/123`;
    const stream = await openStream(`${logs}/events`, { origin: 'https://evil.example' });
    expect(stream.response.headers.get('access-control-allow-origin')).toBeNull();
    const poll = await fetch(logs, { headers: { origin: 'https://evil.example' } });
    expect(poll.headers.get('access-control-allow-origin')).toBeNull();
  });
});
