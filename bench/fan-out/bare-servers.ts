/** The limits: servers that only know their clients, and write one prebuilt buffer per event to each. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Candidate } from './candidate.ts';
import { EVENT_NAME, sseOf } from './events.ts';
import { EPOCH } from './memory-log.ts';
import { trackSockets } from './sockets.ts';

export async function openBareHttp(): Promise<Candidate> {
  const responses = new Set<ServerResponse>();
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('retry: 2000\n\n');
    responses.add(response);
    response.on('close', () => responses.delete(response));
  });
  const sockets = trackSockets(server);
  return listening(server, async (events) => {
    for (const event of events) {
      const bytes = sseOf(event);
      for (const response of responses) response.write(bytes);
    }
    await sockets.drained();
  });
}

export async function openBareWs(): Promise<Candidate> {
  const server = createServer();
  const sockets = trackSockets(server);
  const clients = new Set<WebSocket>();
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    client.on('error', () => {});
  });
  return listening(server, async (events) => {
    for (const { json } of events) {
      const bytes = Buffer.from(json);
      for (const client of clients) client.send(bytes, { binary: false });
    }
    await sockets.drained();
  });
}

/** Not bare: hono's default streaming. */
export async function openHonoStream(): Promise<Candidate> {
  type Stream = Parameters<Parameters<typeof streamSSE>[1]>[0];
  const streams = new Set<Stream>();
  const app = new Hono().get('*', (c) =>
    streamSSE(c, async (stream) => {
      streams.add(stream);
      await new Promise<void>((resolve) => stream.onAbort(resolve));
      streams.delete(stream);
    }),
  );
  return listening(createAdaptorServer({ fetch: app.fetch }) as Server, async (events) => {
    for (const { seq, json } of events) {
      const message = { id: `${EPOCH}.${seq}`, event: EVENT_NAME, data: json };
      await Promise.all([...streams].map((stream) => stream.writeSSE(message)));
    }
  });
}

async function listening(server: Server, emit: Candidate['emit']): Promise<Candidate> {
  server.listen(0, '127.0.0.1', 4_096);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, path: '/', pid: process.pid, emit };
}
