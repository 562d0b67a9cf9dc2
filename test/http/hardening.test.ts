/** Headers of every response, CORS, and clients that never complete a request. */
import { connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { readSamples, scrape } from '../metrics/support/scrape.ts';
import { changeTimers } from '../support/change-timers.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { openStream } from '../support/stream.ts';

const FRIEND = 'https://embed.example';
const EVENTS = '/cliniko/sync-logs/123/events';

describe('every response', () => {
  test('forbids what browsers should not do with it, streams and errors included', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const stream = await openStream(`${server.url}/api/v1${EVENTS}`);
    const answers = [
      stream.response,
      await server.api('/organizations'),
      await server.api('/nothing'),
      await server.api('/cliniko/sync-all/0', { method: 'POST' }),
      await fetch(`${server.url}/healthz`),
      await fetch(`${server.url}/ops`),
    ];
    for (const { headers, url } of answers) {
      expect(Object.fromEntries(headers), url).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'x-request-id': expect.stringMatching(/^[\w-]+$/),
      });
    }
    // A cache that kept a refusal would give it again when it no longer holds.
    expect((await fetch(`${server.url}/nothing`)).headers.get('cache-control')).toBe('no-store');
    for (const { headers } of answers.slice(0, 4)) {
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    }
  });
});

describe('a cache', () => {
  test('keeps no answer of the API', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const csv = ['patients/123/missing', 'patients/123/to-check', 'quarantine/123', 'sync-logs/123'];
    const ofClinic = ['', '/changes', '/missing', '/stats', '/summary', '/to-check', '/to-check/HELD'];
    const paths = [
      ...ofClinic.map((path) => `/cliniko/patients/123${path}`),
      ...csv.map((path) => `/cliniko/${path}?format=csv`),
      ...['/cliniko/active-patients/123', '/cliniko/analytics/123', '/cliniko/quarantine/123'],
      ...['/account', '/audit', '/organizations', '/organizations/123', '/pause', '/sign-in', '/webhooks'],
      ...['/overview', '/overview?format=csv', '/runs', '/sync/active', '/operations/1', '/nothing'],
    ];
    for (const path of paths) {
      const { headers } = await server.api(path);
      expect([path, headers.get('cache-control')]).toEqual([path, 'no-store']);
    }
  });

  test('asks the server before it repeats an answer with an ETag', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    for (const path of ['/cliniko/sync-logs/123', '/cliniko/status/123']) {
      const { headers } = await server.api(path);
      expect([path, headers.get('cache-control')]).toEqual([path, 'private, no-cache']);
    }
  });
});

test('a browser keeps no page: after a sign-out its Back would show patients from its memory', async ({
  databaseUrl,
}) => {
  const server = await startTestServer(databaseUrl, { organizations: [] });
  for (const path of ['/', '/?org=123&view=patients', '/ops', '/notifications', '/sign-in']) {
    const page = await fetch(`${server.url}${path}`);
    expect(page.headers.get('content-type'), path).toContain('text/html');
    expect(page.headers.get('cache-control'), path).toBe('no-store');
  }
});

describe('a page of another origin', () => {
  test('that is allowed may read, stream, and ask before it writes', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { config: { allowedOrigins: [FRIEND] } });
    const headers = { origin: FRIEND };
    const stream = await openStream(`${server.url}/api/v1${EVENTS}`, headers);
    const poll = await server.api('/cliniko/sync-logs/123', { headers });
    const started = await server.api('/cliniko/sync-all/123', { method: 'POST', headers });
    const refused = await server.api('/cliniko/sync-all/0', { method: 'POST', headers });
    for (const answer of [stream.response, poll, started, refused]) {
      expect(answer.headers.get('access-control-allow-origin'), answer.url).toBe(FRIEND);
      for (const name of ['date', 'etag', 'idempotent-replayed', 'link', 'retry-after', 'x-ratelimit-reset'])
        expect(answer.headers.get('access-control-expose-headers')?.split(',')).toContain(name);
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
      expect(answer.headers.get('vary')).toContain('Origin');
    }
    expect(started.status).toBe(200);
    const preflight = await ask(server, FRIEND);
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(FRIEND);
    const sent = ['authorization', 'content-type', 'idempotency-key', 'if-none-match', 'last-event-id'];
    for (const name of sent)
      expect(preflight.headers.get('access-control-allow-headers')?.split(',')).toContain(name);
  });

  test('that is not allowed may do nothing', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { config: { allowedOrigins: [FRIEND] } });
    for (const origin of ['https://evil.example', `${FRIEND}.evil.example`, 'http://embed.example', 'null']) {
      const read = await server.api('/cliniko/sync-logs/123', { headers: { origin } });
      expect(read.headers.get('access-control-allow-origin'), origin).toBeNull();
      const write = await server.api('/cliniko/sync-all/123', { method: 'POST', headers: { origin } });
      expect(write.status, origin).toBe(403);
      expect((await ask(server, origin)).headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

const ask = (server: TestServer, origin: string) =>
  server.api('/cliniko/sync-all/123', {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    },
  });

function openRaw(server: TestServer): { socket: Socket; ended: Promise<string> } {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (chunk) => (text += chunk));
  socket.on('error', () => {});
  return { socket, ended: new Promise((resolve) => socket.once('close', () => resolve(text))) };
}

describe('a client that never finishes its request', () => {
  test('is disconnected, and other clients are served', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const slow = Array.from({ length: 200 }, () => {
      const one = openRaw(server);
      one.socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow: ');
      return one;
    });
    const drip = setInterval(() => {
      for (const { socket } of slow) if (socket.writable) socket.write('y');
    }, 500);
    onTestFinished(() => clearInterval(drip));
    const begun = Date.now();
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(slow.some(({ socket }) => !socket.closed)).toBe(true);
    const answers = await Promise.all(slow.map(({ ended }) => ended));
    // Node itself would wait for 60 s.
    expect(Date.now() - begun).toBeLessThan(50_000);
    expect(answers.filter((text) => text.startsWith('HTTP/1.1 408')).length).toBeGreaterThan(190);
  });

  test('counts against the connection limit of the server; connections above it are refused', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, {
      organizations: [],
      config: {
        limits: {
          requestsPerToken: 1_000,
          requestsPerOrganization: 1_000,
          badTokensPerAddress: 1_000,
          streamsPerToken: 100,
          streamsPerOrganization: 100,
          streams: 100,
          connections: 50,
          connectionsPerAddress: 50,
        },
      },
    });
    const stream = await openStream(`${server.url}/api/v1${EVENTS}`);
    const flood = Array.from({ length: 500 }, () => openRaw(server));
    await vi.waitFor(() => expect(flood.filter(({ socket }) => socket.closed).length).toBeGreaterThan(440), {
      timeout: 10_000,
    });
    for (const { socket } of flood) socket.destroy();
    expect(stream.response.status).toBe(200);
    await expect
      .poll(() =>
        fetch(`${server.url}/healthz`).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
    const { sum } = readSamples(await scrape(server.url));
    expect(sum('patient_sync_connections_refused_total')).toBeGreaterThan(440);
  });

  test('with headers beyond 16 KiB gets an error that names the limit', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { socket, ended } = openRaw(server);
    socket.write(`GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(17_000)}\r\n\r\n`);
    expect(await ended).toMatch(/^HTTP\/1\.1 431/);
  });
});

describe('an answer that takes longer than 30 s', () => {
  test('is a 503, and an open stream stays open', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const stream = await openStream(`${server.url}/api/v1${EVENTS}`);
    await stream.until((sent) => sent.length === 2);
    const shortened = changeTimers({ 30000: 300 });
    const sql = connectInTest(databaseUrl);
    const answer = await sql.begin(async (tx) => {
      await tx`lock table patients`;
      return await server.api('/cliniko/patients/123/summary');
    });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await answer.json()).toMatchObject({ code: 'REQUEST_TIMEOUT' });
    shortened.mockRestore();
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await stream.until((sent) => sent.some(({ event }) => event === 'started'));
  });
});
