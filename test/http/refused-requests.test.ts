/** Unusual requests of other programs: each gets a problem with a detail, never an empty response or a 500. */
import { once } from 'node:events';
import { describe, expect } from 'vitest';
import { Problem } from '#contract/problem.ts';
import { startGuardedServer } from '../access/support/guarded-server.ts';
import { test } from '../support/database.ts';
import { openRaw } from '../support/raw-connection.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const HANDSHAKE =
  'Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';
const WS = '/api/v1/cliniko/ws';

/** @param lines the whole head */
async function ask(server: Pick<TestServer, 'url'>, lines: readonly string[]) {
  const { until, untilOrClosed } = openRaw(server.url, `${lines.join('\r\n')}\r\n\r\n`);
  await untilOrClosed('}');
  const whole = await until('HTTP');
  return {
    status: Number(whole.slice(9, 12)),
    head: whole.slice(0, whole.indexOf('\r\n\r\n')),
    problem: () => Problem.parse(JSON.parse(whole.slice(whole.indexOf('\r\n\r\n') + 4))),
  };
}

describe('a health check in HTTP/1.0', () => {
  test('needs no Host; every other address does', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    expect(await ask(server, ['GET /healthz HTTP/1.0'])).toMatchObject({ status: 200 });
    expect(await ask(server, ['GET /readyz HTTP/1.0'])).toMatchObject({ status: 200 });
    expect(await ask(server, ['GET /healthz HTTP/1.1', 'Host:'])).toMatchObject({ status: 200 });
    for (const line of ['GET / HTTP/1.0', 'GET /api/v1/organizations HTTP/1.0', 'GET /docs HTTP/1.1']) {
      const answer = await ask(server, [line]);
      expect(answer.problem(), line).toMatchObject({ status: 400, field: 'host' });
    }
  });
});

describe('a server without accounts', () => {
  test.for([
    'X-Forwarded-For: 203.0.113.9',
    'Forwarded: for=203.0.113.9',
    'Via: 1.1 proxy',
    'X-Forwarded-Proto: https',
  ])('refuses what came through a proxy: %s', async (header, { databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const paths = [
      '/',
      '/healthz',
      '/metrics',
      '/docs',
      '/api/v1/organizations',
      '/api/v1/cliniko/sync-logs/1/events',
    ];
    for (const path of paths) {
      const answer = await ask(server, [`GET ${path} HTTP/1.1`, 'Host: localhost', header]);
      expect(answer.problem(), path).toMatchObject({ status: 403, code: 'PROXY_NEEDS_ACCOUNTS' });
    }
    const post = await ask(server, ['POST /api/v1/cliniko/sync-all/1 HTTP/1.1', 'Host: localhost', header]);
    expect(post.problem()).toMatchObject({ code: 'PROXY_NEEDS_ACCOUNTS' });
    const socket = await ask(server, [
      `GET ${WS} HTTP/1.1`,
      'Host: localhost',
      'Upgrade: websocket',
      HANDSHAKE.trim(),
      header,
    ]);
    expect(socket.problem()).toMatchObject({ code: 'PROXY_NEEDS_ACCOUNTS' });
  });

  test('refuses the headers of proxies that name only the client', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const statusOf = async (header: string) =>
      (await ask(server, ['GET /healthz HTTP/1.1', 'Host: localhost', `${header}: 203.0.113.9`])).status;
    for (const header of [
      'X-Real-IP',
      'True-Client-IP',
      'CF-Connecting-IP',
      'X-Cluster-Client-IP',
      'X-Envoy-External-Address',
    ]) {
      expect(await statusOf(header), header).toBe(403);
    }
    for (const header of ['X-Request-Id', 'Client-Hints', 'X-Client-Version', 'Traceparent']) {
      expect(await statusOf(header), header).toBe(200);
    }
  });

  test('names the header that a proxy did not pass on', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const answer = await ask(server, [
      'POST /api/v1/stream-tokens HTTP/1.1',
      'Host: 127.0.0.1:8000',
      'Origin: http://localhost:9000',
      'Content-Length: 0',
    ]);
    expect(answer.problem().code).toBe('ORIGIN_NOT_ALLOWED');
    expect(answer.problem().detail).toMatch(
      /origin http:\/\/localhost:9000, but the Host header is 127\.0\.0\.1:8000/,
    );
    const rebound = await ask(server, ['GET / HTTP/1.1', 'Host: evil.example']);
    expect(rebound.problem()).toMatchObject({ code: 'HOST_NOT_ALLOWED' });
    expect(rebound.problem().detail).toContain('the Host header is evil.example');
  });
});

describe('a handshake', () => {
  test('without Connection is a 401 before it is a 426', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl, { organizations: [] });
    const head = [`GET ${WS} HTTP/1.1`, 'Host: localhost', 'Upgrade: websocket'];
    expect((await ask(server, head)).problem()).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    const known = await ask(server, [...head, `Authorization: Bearer ${server.admin}`]);
    expect(known.problem()).toMatchObject({ status: 426, code: 'UPGRADE_REQUIRED' });
  });

  test.for([
    ['no key', 'Connection: Upgrade\r\nSec-WebSocket-Version: 13'],
    ['a bad key', 'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x'],
    ['an unknown version', `${HANDSHAKE.trim().replace('13', '99')}`],
    ['a bad subprotocol', `${HANDSHAKE.trim()}\r\nSec-WebSocket-Protocol: a,,b`],
  ] as const)('with %s is a 400 in words', async ([, lines], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const answer = await ask(server, [`GET ${WS} HTTP/1.1`, 'Host: localhost', 'Upgrade: websocket', lines]);
    expect(answer.problem()).toMatchObject({ status: 400, code: 'INVALID_PARAMETER', field: 'upgrade' });
  });

  test('of HEAD is a 426', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { until } = openRaw(
      server.url,
      `HEAD ${WS} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n${HANDSHAKE}\r\n`,
    );
    expect(await until('\r\n')).toMatch(/^HTTP\/1\.1 426 /);
  });

  test('at any other address is ignored: the answer is that of the address', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const at = (path: string) =>
      ask(server, [`GET ${path} HTTP/1.1`, 'Host: localhost', `Upgrade: websocket\r\n${HANDSHAKE.trim()}`]);
    expect((await at('/healthz')).head).toMatch(/^HTTP\/1\.1 200 /);
    expect((await at('/api/v1/nothing')).problem()).toMatchObject({ status: 404 });
    expect((await at('/api/v1/cliniko/sync-logs/0')).problem()).toMatchObject({
      status: 400,
      field: 'orgId',
    });
  });
});

describe('an invalid request', () => {
  test.for([
    ['no HTTP', ['hello'], 400],
    ['a method that is none', ['G@T / HTTP/1.1', 'Host: localhost'], 400],
    ['a version that is none', ['GET / HTTP/9.9', 'Host: localhost'], 400],
    ['two lengths', ['POST / HTTP/1.1', 'Host: localhost', 'Content-Length: 1', 'Content-Length: 2'], 400],
    ['a length that is none', ['POST / HTTP/1.1', 'Host: localhost', 'Content-Length: x'], 400],
    ['a Host that is none', ['GET / HTTP/1.1', 'Host: a b'], 400],
    ['an address that is none', ['GET http:// HTTP/1.1', 'Host: localhost'], 400],
    ['a tunnel', ['CONNECT localhost:1 HTTP/1.1', 'Host: localhost'], 405],
    ['a trace', ['TRACE / HTTP/1.1', 'Host: localhost'], 405],
    [
      'a read with a body that is too large',
      ['GET / HTTP/1.1', 'Host: localhost', 'Content-Length: 70000'],
      413,
    ],
    [
      'a WebSocket with a body',
      [
        'GET /api/v1/cliniko/ws HTTP/1.1',
        'Host: localhost',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Content-Length: 2',
      ],
      400,
    ],
    ['headers that are too large', ['GET / HTTP/1.1', `X: ${'y'.repeat(17_000)}`], 431],
    [
      'a body of unknown length behind an offer',
      [
        'PUT / HTTP/1.1',
        'Host: localhost',
        'Connection: Upgrade',
        'Upgrade: h2c',
        'Transfer-Encoding: chunked',
      ],
      400,
    ],
  ] as const)('%s is a problem with words', async ([, lines, status], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const answer = await ask(server, lines);
    expect(answer.problem()).toMatchObject({ status });
    expect(answer.status).toBe(status);
    expect(answer.problem().detail.length).toBeGreaterThan(20);
  });

  test('an unknown expectation is ignored', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    expect(await ask(server, ['GET /healthz HTTP/1.1', 'Host: localhost', 'Expect: tea'])).toMatchObject({
      status: 200,
    });
  });
});

describe('a NUL character', () => {
  const BODIES: [method: string, path: string, body: unknown, field: string][] = [
    ['POST', '/organizations/123/webhooks', { url: 'https://hooks.example/\0' }, 'url'],
    ['PUT', '/organizations/123', { name: 'a\0b' }, 'name'],
    ['PUT', '/organizations/123', { schedule: { cron: '0 2 * * *\0', time_zone: 'UTC' } }, 'schedule.cron'],
    ['PUT', '/organizations/123', { 'na\0me': 'x' }, 'body'],
    ['PUT', '/organizations/123', { name: '\ud800' }, 'name'],
    ['PUT', '/organizations/123/cliniko-credentials', { api_key: 'a\0' }, 'api_key'],
    ['POST', '/stream-tokens', { organizations: '\0' }, 'organizations'],
  ];

  test('in a body is a 400 that names the field', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    for (const [method, path, body, field] of BODIES) {
      const answer = await server.api(path, { method, body: JSON.stringify(body) });
      expect(await answer.json(), path).toMatchObject({ status: 400, code: 'INVALID_PARAMETER', field });
    }
  });

  test('in an address is a 400 that names the parameter', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const ADDRESSES = [
      ['/cliniko/sync-logs/123?operation_type=a%00', 'operation_type'],
      ['/cliniko/sync-logs/123/events?since=%00', 'since'],
      ['/cliniko/sync-logs/123?limit=1&%00=1', 'query'],
      ['/audit?before=%00', 'before'],
      ['/cliniko/sync-logs/%00', 'path'],
      ['/nothing%00', 'path'],
    ] as const;
    for (const [path, field] of ADDRESSES) {
      const answer = await server.api(path);
      expect(await answer.json(), path).toMatchObject({ status: 400, code: 'INVALID_PARAMETER', field });
    }
  });
});

describe('bytes that are no request', () => {
  const EVENTS = 'GET /api/v1/cliniko/sync-logs/123/events HTTP/1.1\r\nHost: localhost\r\n\r\n';

  test('behind an open stream end it, and are not answered inside it', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const { socket, until } = openRaw(server.url, EVENTS);
    await until('event: snapshot');
    socket.write('garbage\r\n\r\n');
    await once(socket, 'close');
    expect((await until('event: snapshot')).match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test('behind a request are not taken for its answer', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const { socket } = openRaw(server.url, 'GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\ngarbage\r\n\r\n');
    await once(socket, 'close');
    expect(socket.bytesRead).toBe(0);
  });
});

describe('a client that leaves in the middle of its body', () => {
  test('is not counted as an outage of the database', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const head =
      'PUT /api/v1/organizations/123 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n';
    const { socket, until } = openRaw(server.url, `${head}Expect: 100-continue\r\n\r\n1\r\n{\r\n`);
    await until('100 Continue');
    const metrics = async () => await (await fetch(`${server.url}/metrics`)).text();
    socket.resetAndDestroy();
    await expect.poll(metrics).toMatch(/status="408"/);
    expect(await metrics()).not.toMatch(/status="503"/);
  });
});
