/**
 * One server to be measured, in a process of its own: ours, or a peer that writes one prebuilt buffer an event. Takes
 * orders from fan-out.ts over IPC. All of them send the same bytes.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { pino } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { createMemoryBus } from '../src/events/memory-bus.ts';
import { createConnections } from '../src/live/connections.ts';
import { createFeed } from '../src/live/feed.ts';
import { createSocketServer, socketRoutes } from '../src/live/socket-route.ts';
import { sseRoutes } from '../src/live/sse-route.ts';
import { createTurn } from '../src/live/turn.ts';
import { createWheel } from '../src/live/wheel.ts';
import { createMemoryLog, EPOCH } from './memory-log.ts';

export type Kind = 'ours' | 'bare-http' | 'bare-ws' | 'stream-sse';
export type Order = { burst: number; events: number; everyMs?: number } | { measure: true };

interface Contestant {
  server: Server;
  /** Events of one loop turn. Resolves when nothing of them waits in a socket. */
  emit(seqs: number[]): Promise<void>;
}

const ORGANIZATION = 1;
const FILLER = 'x'.repeat(150);
const jsonOf = (seq: number) =>
  `{"v":1,"type":"progress","organization_id":1,"sync_log_id":1,"seq":${seq},"cursor":"${EPOCH}.${seq}","t":${(
    performance.timeOrigin + performance.now()
  ).toFixed(3)},"log":"${FILLER}"}`;
const sseOf = (seq: number) => Buffer.from(`id: ${EPOCH}.${seq}\nevent: progress\ndata: ${jsonOf(seq)}\n\n`);

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function drained(sockets: Iterable<Socket>): Promise<void> {
  do await turn();
  while ([...sockets].some((socket) => socket.writableLength > 0));
}

function trackSockets(server: Server): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  return sockets;
}

function ours(): Contestant {
  const log = createMemoryLog(ORGANIZATION);
  const bus = createMemoryBus();
  const logger = pino({ level: 'silent' });
  const feed = createFeed(log, bus, logger);
  const tools = {
    feed,
    logger,
    connections: createConnections(),
    heartbeat: createWheel(15_000),
    keepAlive: createWheel(20_000),
    turn: createTurn(),
  };
  const app = new Hono();
  // In the place of the gate, whose cost is not what is measured: everybody may see everything.
  app.use(async (c, next) => {
    c.set('viewer', { maySee: () => true, onEnd: () => () => {} });
    await next();
  });
  app.route('/', sseRoutes(tools)).route('/', socketRoutes(tools));
  const server = createAdaptorServer({
    fetch: app.fetch,
    websocket: { server: createSocketServer() },
  }) as Server;
  const sockets = trackSockets(server);
  return {
    server,
    async emit(seqs) {
      for (const seq of seqs) {
        const at = new Date().toISOString();
        log.append({ organizationId: 1, seq, type: 'progress', at, run: null, json: jsonOf(seq) });
        bus.publish({ organizations: [ORGANIZATION], work: false });
      }
      await drained(sockets);
    },
  };
}

function bareHttp(): Contestant {
  const responses = new Set<ServerResponse>();
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('retry: 2000\n\n');
    responses.add(response);
    response.on('close', () => responses.delete(response));
  });
  const sockets = trackSockets(server);
  return {
    server,
    async emit(seqs) {
      for (const seq of seqs) {
        const bytes = sseOf(seq);
        for (const response of responses) response.write(bytes);
      }
      await drained(sockets);
    },
  };
}

function bareWs(): Contestant {
  const server = createServer();
  const sockets = trackSockets(server);
  const clients = new Set<WebSocket>();
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    client.on('error', () => {});
  });
  return {
    server,
    async emit(seqs) {
      for (const seq of seqs) {
        const bytes = Buffer.from(jsonOf(seq));
        for (const client of clients) client.send(bytes, { binary: false });
      }
      await drained(sockets);
    },
  };
}

function honoStream(): Contestant {
  type Stream = Parameters<Parameters<typeof streamSSE>[1]>[0];
  const streams = new Set<Stream>();
  const app = new Hono().get('*', (c) =>
    streamSSE(c, async (stream) => {
      streams.add(stream);
      await new Promise<void>((resolve) => stream.onAbort(resolve));
      streams.delete(stream);
    }),
  );
  return {
    server: createAdaptorServer({ fetch: app.fetch }) as Server,
    async emit(seqs) {
      for (const seq of seqs) {
        const message = { id: `${EPOCH}.${seq}`, event: 'progress', data: jsonOf(seq) };
        await Promise.all([...streams].map((stream) => stream.writeSSE(message)));
      }
    },
  };
}

const CONTESTANTS: Record<Kind, () => Contestant> = {
  ours,
  'bare-http': bareHttp,
  'bare-ws': bareWs,
  'stream-sse': honoStream,
};

const contestant = CONTESTANTS[process.argv[2] as Kind]();
let seq = 0;
contestant.server.listen(0, '127.0.0.1', 4_096, () =>
  process.send?.({ port: (contestant.server.address() as AddressInfo).port }),
);
process.on('message', async (order: Order) => {
  if ('measure' in order) {
    for (let n = 0; n < 3; n++) {
      globalThis.gc?.();
      await turn();
    }
    // What is alive, not what the pages of the process were once used for while connections were opened.
    const { heapUsed, external } = process.memoryUsage();
    process.send?.({ bytes: heapUsed + external });
    return;
  }
  const { burst, events, everyMs } = order;
  for (let sent = 0; sent < events; sent += burst) {
    await contestant.emit(Array.from({ length: burst }, () => ++seq));
    if (everyMs !== undefined) await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
});
process.on('disconnect', () => process.exit(0));
