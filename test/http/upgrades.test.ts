/** Clients that offer to speak another protocol, as curl --http2 and Java's client do with each first request. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test as plainTest, vi } from 'vitest';
import { QueuedResponse } from '../../src/http/queued-response.ts';
import { answerUpgrades } from '../../src/http/upgrades.ts';
import { test } from '../support/database.ts';
import { openRaw } from '../support/raw-connection.ts';
import { startTestServer } from '../support/server.ts';
import { logListText } from '../support/stream.ts';

const OFFER =
  'Host: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';

describe('an upgrade to an unsupported protocol', () => {
  test.for([
    ['GET /healthz', 'HTTP/1.1 200 OK'],
    ['GET /api/v1/cliniko/sync-logs/123', logListText(123)],
    ['GET /api/v1/cliniko/sync-logs/123/events', 'event: snapshot'],
    ['POST /api/v1/cliniko/sync-all/123', '"already_running":false'],
  ] as const)('is ignored: %s', async ([request, answer], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const connection = openRaw(server.url, `${request} HTTP/1.1\r\n${OFFER}\r\n`);
    expect(await connection.until(answer)).toMatch(/^HTTP\/1\.1 20[02] /);
  });

  test('is ignored on a request with a body, which may come in parts', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const length = 'content-length: 14\r\n\r\n';
    const request = `PUT /api/v1/organizations/123 HTTP/1.1\r\n${OFFER}${length}`;
    const whole = openRaw(server.url, `${request}{"name": "At"}`);
    await whole.until('"name":"At"');
    const parts = openRaw(server.url, `${request}{"na`);
    parts.socket.write('me": "On"');
    setImmediate(() => parts.socket.write('}'));
    expect(await parts.until('"name":"On"')).toMatch(/^HTTP\/1\.1 200 /);
    // What follows the body is no part of it.
    const more = openRaw(server.url, `${request}{"name": "In"}GET / HTTP/1.1\r\n\r\n`);
    expect(await more.until('"name":"In"')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test.for([
    ['too large', 'content-length: 70000\r\n\r\n{', 'HTTP/1.1 413 '],
    ['of unknown length', 'transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n', 'HTTP/1.1 400 '],
  ] as const)('is refused with a body that is %s', async ([, body, answer], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const connection = openRaw(server.url, `PUT /api/v1/organizations/123 HTTP/1.1\r\n${OFFER}${body}`);
    await connection.until(answer);
  });

  test('does not keep a connection whose body never comes', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const connection = openRaw(
      server.url,
      `PUT /api/v1/organizations/123 HTTP/1.1\r\n${OFFER}content-length: 14\r\n\r\n{`,
    );
    const closed = new Promise((resolve) => connection.socket.once('close', resolve));
    connection.socket.end();
    await closed;
    await server.stop();
  });

  test('does not keep a half-open connection', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const { hostname, port } = new URL(server.url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    const ended = new Promise((resolve) =>
      socket
        .on('error', () => {})
        .resume()
        .once('end', resolve),
    );
    socket.write(`GET /healthz HTTP/1.1\r\n${OFFER}\r\n`);
    await ended;
    await server.stop();
  });

  test('keeps no connection open, and the server stops in time', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const connections = Array.from({ length: 20 }, () =>
      openRaw(server.url, `GET /healthz HTTP/1.1\r\n${OFFER}\r\n`),
    );
    await Promise.all(
      connections.map(({ socket }) => new Promise((resolve) => socket.once('close', resolve))),
    );
    await server.stop();
  });
});

describe('a WebSocket offer to another route', () => {
  plainTest('leaves nothing behind that would keep its request in memory', async () => {
    const server = createServer({ ServerResponse: QueuedResponse }, (_request, response) =>
      response.end('ok'),
    );
    answerUpgrades(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const socket = connect(port ?? 0, '127.0.0.1');
    const accepted = once(server, 'request');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const [, response] = await accepted;
    expect(vi.getTimerCount()).toBe(1);
    socket.resume();
    await once(response, 'close');
    expect(vi.getTimerCount()).toBe(0);
  });
});
