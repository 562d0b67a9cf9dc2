/** Clients that pipeline requests and read no response: their cost, and when they are disconnected. */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test as plainTest, vi } from 'vitest';
import { Timeline } from '#contract/stream-event.ts';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { QueuedResponse } from '../../src/http/queued-response.ts';
import { answerInTurn } from '../../src/http/request-queue.ts';
import { test } from '../support/database.ts';
import { openExternalWriter } from '../support/external-writer.ts';
import { openRaw } from '../support/raw-connection.ts';
import { startServerProcess } from '../support/server-process.ts';

/** As many requests as Node reads in one go. */
const A_PACKET_FULL = (request: string) => Math.ceil(65_536 / request.length);

function pipeline(url: string, request: string, times = A_PACKET_FULL(request)): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.pause().on('error', () => {});
  socket.write(request.repeat(times));
  return socket;
}

const ESTABLISHED = '01';

/** A client that does not read does not notice that it was closed, so the kernel is queried. */
async function stillAccepted(url: string, clients: readonly Socket[]): Promise<number> {
  const hex = (port: number | undefined) => `:${(port ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  const local = hex(Number(new URL(url).port));
  const remote = new Set(clients.map(({ localPort }) => hex(localPort)));
  const rows = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((row) => row.trim().split(/\s+/));
  return rows.filter(
    ([, address = '', peer = '', state]) =>
      address.endsWith(local) && remote.has(peer.slice(-5)) && state === ESTABLISHED,
  ).length;
}

async function residentBytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1_024;
}

async function costOfHealth(url: string): Promise<number> {
  const begun = performance.now();
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  return performance.now() - begun;
}

describe('a request that takes over its connection, behind one whose response is in progress', () => {
  const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';

  test.for([
    ['a WebSocket', `GET /api/v1/cliniko/ws HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`],
    ['an offer that is ignored', `GET /nowhere HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`],
    ['an offer with a body', `POST /nowhere HTTP/1.1\r\nHost: x\r\n${UPGRADE}Content-Length: 1\r\n\r\nx`],
    ['a tunnel', 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ] as const)('%s: the connection ends, and the server continues', async ([, request], { databaseUrl }) => {
    const cliniko = await startClinikoSimulator({ patients: 1 });
    onTestFinished(() => cliniko.close());
    const server = await startServerProcess({ cliniko, databaseUrl });
    for (const first of [
      '/healthz',
      '/api/v1/cliniko/sync-logs/123',
      '/api/v1/cliniko/sync-logs/123/events',
    ]) {
      const { socket } = openRaw(server.url, `GET ${first} HTTP/1.1\r\nHost: x\r\n\r\n${request}`);
      await once(socket, 'close');
    }
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(server.child.exitCode).toBeNull();
  });
});

describe('ten connections that pipeline and never read', () => {
  test.for([
    ['/docs', undefined],
    ['/docs', 4],
    ['/openapi.json', undefined],
    ['/embed/sync-progress.js', undefined],
    ['/api/v1/cliniko/sync-logs/123/events', undefined],
  ] as const)(
    '%s, %s times: cost less than 100 MB and a second of /healthz, and are gone within a minute',
    async ([path, times], { databaseUrl }) => {
      const cliniko = await startClinikoSimulator({ patients: 1 });
      onTestFinished(() => cliniko.close());
      const { url, child } = await startServerProcess({ cliniko, databaseUrl });
      for (let n = 0; n < 20; n++) await (await fetch(`${url}/docs`)).text();
      const before = await residentBytes(child.pid);

      const calm = await costOfHealth(url);
      const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
      const clients = Array.from({ length: 10 }, () => pipeline(url, request, times));
      await Promise.all(clients.map((socket) => once(socket, 'connect')));
      // A second, and on a busy machine as many of its own calm answers as there are connections.
      expect(await costOfHealth(url)).toBeLessThan(1_000 + 10 * calm);
      await vi.waitFor(
        async () => {
          expect((await residentBytes(child.pid)) - before).toBeLessThan(100 * 1_024 * 1_024);
          expect(await stillAccepted(url, clients)).toBe(0);
        },
        { timeout: 60_000, interval: 200 },
      );
    },
  );
});

/** A run of an external program with 2,002 events of 10 KB. @returns the path of its timeline */
async function writeLongRun({ begin, sql }: ReturnType<typeof openExternalWriter>): Promise<string> {
  await begin();
  await sql`update sync_logs set metadata = jsonb_build_object('filler', repeat('x', 10000))`;
  await sql.unsafe(
    'do $$ begin for n in 1..2000 loop update sync_logs set records_processed = n; end loop; end $$',
  );
  const [log] = await sql<{ id: number }[]>`select id from sync_logs`;
  return `/api/v1/cliniko/sync-logs/55/${log?.id}/timeline`;
}

describe('a timeline of twenty megabytes', () => {
  test('that cannot be read to its end ends with its connection, and not like a whole one', async ({
    databaseUrl,
  }) => {
    const cliniko = await startClinikoSimulator({ patients: 1 });
    onTestFinished(() => cliniko.close());
    const { url } = await startServerProcess({ cliniko, databaseUrl });
    const writer = openExternalWriter(databaseUrl);
    const path = await writeLongRun(writer);
    const socket = pipeline(url, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 1);
    await once(socket, 'readable');
    // More than the buffers between them hold is still to be read.
    await writer.sql`alter table sync_events rename column created to was_created`;
    let text = '';
    socket.on('data', (bytes) => (text += bytes.toString('latin1')));
    socket.resume();
    await once(socket, 'close');
    expect(text).toContain('{"events":[');
    expect(text).not.toContain('"trimmed"');
    expect(text).not.toMatch(/\r\n0\r\n\r\n$/);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test('is sent as it is read, and costs ten connections that do not read less than 100 MB', {
    timeout: 180_000,
  }, async ({ databaseUrl }) => {
    const cliniko = await startClinikoSimulator({ patients: 1 });
    onTestFinished(() => cliniko.close());
    const { url, child } = await startServerProcess({ cliniko, databaseUrl });
    const path = await writeLongRun(openExternalWriter(databaseUrl));
    const text = await (await fetch(url + path)).text();
    expect(text.length).toBeGreaterThan(20_000_000);
    const timeline = Timeline.parse(JSON.parse(text));
    expect(timeline.trimmed).toBe(false);
    expect(timeline.events.map((event) => event.seq)).toEqual(Array.from({ length: 2_002 }, (_, n) => n + 1));

    const before = await residentBytes(child.pid);
    const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    const clients = Array.from({ length: 10 }, () => pipeline(url, request, 20));
    await Promise.all(clients.map((socket) => once(socket, 'connect')));
    await vi.waitFor(
      async () => {
        expect((await residentBytes(child.pid)) - before).toBeLessThan(100 * 1_024 * 1_024);
        expect(await stillAccepted(url, clients)).toBe(0);
      },
      { timeout: 60_000, interval: 200 },
    );
  });
});

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('It listens on a port.');
  return `http://127.0.0.1:${address.port}`;
}

describe('requests of one connection', () => {
  plainTest('are answered in order, one after the other', async () => {
    const server = createServer({ ServerResponse: QueuedResponse });
    let running = 0;
    answerInTurn(server, (request, response) => {
      running += 1;
      expect(running).toBe(1);
      setImmediate(() => {
        running -= 1;
        response.end(`[${request.url}]`);
      });
    });
    const url = await listening(server);
    const paths = Array.from({ length: 20 }, (_, n) => `/${n}`);
    const connection = openRaw(url, paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    const text = await connection.until('[/19]');
    expect([...text.matchAll(/\[(.*?)\]/g)].map(([, path]) => path)).toEqual(paths);
    // A client that has sent so many at once may read none of them: its connection is not kept.
    expect(text.match(/^connection: .*$/gim)?.map((line) => line.toLowerCase().trim())).toEqual([
      ...Array(19).fill('connection: keep-alive'),
      'connection: close',
    ]);
  });

  plainTest('end the connection when too many of them wait', async () => {
    const server = createServer({ ServerResponse: QueuedResponse });
    let started = 0;
    answerInTurn(server, () => {
      started += 1;
    });
    const socket = pipeline(await listening(server), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n').resume();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(started).toBe(1);
  });
});

describe('an answer that is not read', () => {
  const PORTION = Buffer.alloc(256 * 1_024);
  const PORTIONS = 100;
  const UNREAD_MS = 1_500;

  async function startSender() {
    const server = createServer({ ServerResponse: QueuedResponse });
    answerInTurn(
      server,
      // The next portion follows when there is room for it, as streams of ours are written.
      (_request, response) => void Readable.from(Array(PORTIONS).fill(PORTION)).pipe(response),
      { unreadMs: UNREAD_MS, checkMs: 50 },
    );
    return { server, url: await listening(server) };
  }

  plainTest('ends its connection, also while more requests arrive on it', async () => {
    const { server, url } = await startSender();
    const accepted = once(server, 'connection');
    const socket = pipeline(url, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 1);
    const [connection] = await accepted;
    const drip = setInterval(() => socket.write('\r\n'), 50);
    onTestFinished(() => clearInterval(drip));
    await once(connection, 'close');
  });

  plainTest('continues for a client that reads slowly', async () => {
    const { url } = await startSender();
    const socket = pipeline(url, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 1);
    let bytes = 0;
    const begun = performance.now();
    socket.on('data', (piece) => {
      bytes += piece.length;
      socket.pause();
      setTimeout(() => socket.resume(), 10);
    });
    socket.resume();
    await vi.waitFor(() => expect(bytes).toBeGreaterThan(PORTION.length * PORTIONS), { timeout: 40_000 });
    expect(performance.now() - begun).toBeGreaterThan(2 * UNREAD_MS);
  });
});
