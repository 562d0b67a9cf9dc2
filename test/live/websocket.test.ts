/** The WebSocket of the ops console, as a client sees it. */
import { describe, expect } from 'vitest';
import { WebSocket } from 'ws';
import { connectInTest, test } from '../support/database.ts';
import { openRaw } from '../support/raw-connection.ts';
import { startTestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { hasEnded, openStream } from '../support/stream.ts';

describe('an ops socket', () => {
  test('subscribes to everything at once, folded, and gets the end of every run', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [1, 2, 3], patients: 648 });
    const client = await openSocket(server, '?organizations=*', { protocols: ['patient-sync.v1'] });
    expect(client.socket.protocol).toBe('patient-sync.v1');
    const [subscribed] = await client.until('subscribed');
    expect(subscribed).toMatchObject({
      streams: [1, 2, 3].map((organization_id) => ({ organization_id, recovered: true })),
    });
    await client.until('snapshot', 3);

    for (const id of [1, 2, 3]) await server.api(`/cliniko/sync-all/${id}`, { method: 'POST' });
    const ends = await client.until('completed', 3);

    expect(ends.map((frame) => ('organization_id' in frame ? frame.organization_id : 0)).sort()).toEqual([
      1, 2, 3,
    ]);
    // How many changes fold into one snapshot depends on the machine; that none comes by itself does not.
    expect(client.frames().map(({ type }) => type)).not.toContain('progress');
  });

  test('delivers every event on request, byte for byte as on SSE', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 300 });
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await stream.until((sent) => sent.length === 2);
    const client = await openSocket(server);
    client.send({ type: 'subscribe', id: 'a', organizations: [123], conflate_ms: 0 });
    await client.until('snapshot');
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    const sent = await stream.until(hasEnded);
    await client.until('completed');

    const changes = sent.filter(({ event }) => ['started', 'progress', 'completed'].includes(event ?? ''));
    expect(
      client.texts.filter((text) => text.includes('"sync_log_id":') && !text.includes('"snapshot"')),
    ).toEqual(changes.map(({ data }) => data));
  });

  test('resumes after the given cursors, and reports where that is impossible', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      select org, 'x', 'failed', now() from unnest(array[7, 8, 9]) as org, generate_series(1, 3)`;
    const first = await openSocket(server, '?organizations=7');
    const [snapshot] = await first.until('snapshot');
    const epoch = snapshot !== undefined && 'cursor' in snapshot ? snapshot.cursor.split('.')[0] : '';

    const client = await openSocket(server);
    const since = { 7: `${epoch}.1`, 8: 'other.1', 9: '??' };
    client.send({ type: 'subscribe', id: 'b', organizations: [7, 8, 9], since });
    const [subscribed] = await client.until('subscribed');
    expect(subscribed).toMatchObject({
      id: 'b',
      streams: [
        { organization_id: 7, recovered: true, reason: null },
        { organization_id: 8, recovered: false, reason: 'epoch' },
        { organization_id: 9, recovered: false, reason: 'malformed' },
      ],
    });
    const failed = await client.until('failed', 2);
    expect(failed.map((frame) => ('seq' in frame ? frame.seq : 0))).toEqual([2, 3]);
  });

  test('joins many organizations in portions: runs in progress and the newest ones first, each once', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      select id, 'x', case id when 5 then 'running' else 'completed' end, now() from generate_series(1, 600) as id`;
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const client = await openSocket(server, '?organizations=*');
    await client.until('snapshot', 600);
    const frames = client.frames().filter((frame) => frame.type === 'subscribed');
    expect(frames.map(({ more, streams }) => [more, streams.length])).toEqual([
      [true, 100],
      [true, 250],
      [undefined, 250],
    ]);
    const ids = frames.flatMap(({ streams }) => streams.map((stream) => stream.organization_id));
    expect(ids.slice(0, 3).sort((one, other) => one - other)).toContain(5);
    expect(Math.min(...ids.slice(0, 99).filter((id) => id !== 5))).toBeGreaterThan(500);
    expect(new Set(ids).size).toBe(600);
    // The first rows arrive before the later portions join.
    const types = client.frames().map(({ type }) => type);
    expect(types.indexOf('snapshot')).toBeLessThan(types.lastIndexOf('subscribed'));

    await sql`insert into sync_logs (organization_id, operation_type, status, started_at) values (601, 'x', 'failed', now())`;
    await sql`update sync_logs set status = 'failed' where organization_id = 5`;
    const failed = await client.until('failed', 2);
    expect(failed.map((frame) => 'organization_id' in frame && frame.organization_id).sort()).toEqual([
      5, 601,
    ]);
  });

  test('includes an organization that appears later', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const client = await openSocket(server, '?organizations=*');
    await client.until('subscribed');
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at) values (77, 'x', 'failed', now())`;

    expect((await client.until('failed'))[0]).toMatchObject({ organization_id: 77, seq: 1 });
  });

  test.for([
    ['text that is not JSON', 'hello?', null, /^Send JSON text/],
    ['a list', '[]', null, /^Send JSON text/],
    ['null', 'null', null, /^Send JSON text/],
    ['another type', '{"type":"dance","id":"x"}', 'x', /^Send JSON text/],
    ['an unknown field', '{"type":"ping","extra":1}', null, /^"extra" is not a known field/],
    [
      'organizations that are none',
      '{"type":"subscribe","id":"y","organizations":[0]}',
      'y',
      /^"organizations.0"/,
    ],
    ['deep nesting', `${'['.repeat(5_000)}${']'.repeat(5_000)}`, null, /^Send JSON text/],
  ] as const)(
    'answers %s with an error frame, and stays open',
    async ([, text, id, message], { databaseUrl }) => {
      const server = await startTestServer(databaseUrl, { organizations: [] });
      const client = await openSocket(server);
      client.socket.send(text);
      expect((await client.until('error'))[0]).toMatchObject({
        id,
        code: 'NOT_UNDERSTOOD',
        message: expect.stringMatching(message),
      });

      client.send({ type: 'ping' });
      await client.until('pong');
    },
  );

  test('answers binary frames, wrong URLs and wrong subscriptions with an error frame', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const client = await openSocket(server, '?organizations=1,x');
    await client.until('error', 1);
    // JavaScript converts all of these to whole numbers; none of them is an id.
    for (const text of ['0x7b', '1e2', '%207', '', '1,', '+1']) {
      const other = await openSocket(server, `?organizations=${text}`);
      expect((await other.until('error'))[0]).toMatchObject({ id: null, code: 'NOT_UNDERSTOOD' });
    }
    client.socket.send(Buffer.from('{"type":"ping"}'));
    await client.until('error', 2);
    client.send({ type: 'unsubscribe', id: 'nobody' });
    expect((await client.until('error', 3))[2]).toMatchObject({ id: 'nobody', code: 'UNKNOWN_SUBSCRIPTION' });
    client.send({ type: 'subscribe', id: 'a', organizations: [1] });
    client.send({ type: 'subscribe', id: 'a', organizations: [2] });
    expect((await client.until('error', 4))[3]).toMatchObject({ id: 'a', code: 'DUPLICATE_SUBSCRIPTION' });
    client.send({ type: 'unsubscribe', id: 'a' });
    await client.until('unsubscribed');
  });

  test('closes after a message in very many parts, which would take a hundred times its size in memory', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { socket, closed } = await openSocket(server);
    for (let part = 0; part < 65; part++) socket.send(' ', { fin: false });
    expect(await closed).toBe(1008);
  });

  test('closes after a frame that is too long, and sends bye when the server stops', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const greedy = await openSocket(server);
    greedy.socket.send('x'.repeat(16 * 1024 + 1));
    expect(await greedy.closed).toBe(1009);

    const client = await openSocket(server);
    await client.until('hello');
    await server.stop();
    expect(await client.closed).toBe(1012);
    expect(client.frames().at(-1)).toMatchObject({ type: 'bye', reason: 'restart' });
  });

  test('is refused to pages of other origins, and to requests without an upgrade', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const foreign = new WebSocket(`${server.url.replace('http', 'ws')}/api/v1/cliniko/ws`, {
      origin: 'https://evil.example',
    });
    const status = await new Promise((resolve) => foreign.on('error', resolve));
    expect(String(status)).toContain('403');
    expect((await server.api('/cliniko/ws')).status).toBe(426);
  });
});

describe('the URL of event streams', () => {
  test('refuses a WebSocket, and does not report an internal error', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const address = `${server.url.replace('http', 'ws')}/api/v1/cliniko/sync-logs/123/events`;
    const socket = new WebSocket(address);
    const status = new Promise((resolve) =>
      socket
        .on('error', () => {})
        .on('unexpected-response', (_request, answer) => resolve(answer.statusCode)),
    );
    expect(await status).toBe(400);
    socket.terminate();
  });
});

/** Text frames of one letter, with a mask of zeros. */
const FLOOD = Buffer.from('81810000000078'.repeat(9_000), 'hex');
/** More than fits into the socket buffers of both sides. */
const FLOODS = 400;

const HANDSHAKE =
  `GET /api/v1/cliniko/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket
Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`.replace(/\r?\n/g, '\r\n');

describe('a client that sends without end and never reads', () => {
  test('is no longer read, and does not affect other clients', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const bystander = await openSocket(server);
    const { socket, until } = openRaw(server.url, HANDSHAKE);
    await until('"type":"hello"');
    socket.pause();
    let taken = -1;
    const goOn = () => {
      taken += 1;
      if (taken < FLOODS) socket.write(FLOOD, goOn);
    };
    goOn();

    let before = taken;
    for (let still = 0, pings = 1; still < 20; pings++) {
      bystander.send({ type: 'ping' });
      await bystander.until('pong', pings);
      still = taken === before ? still + 1 : 0;
      before = taken;
    }
    expect(taken).toBeLessThan(FLOODS);
  });
});
