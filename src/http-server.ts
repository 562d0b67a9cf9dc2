/** Node's HTTP server around the app: who may be slow, how it begins to listen, and how it closes. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { createApp } from './app.ts';
import type { Config } from './config.ts';
import { ignoreUnknownUpgrades } from './http/upgrades.ts';
import { createSocketServer } from './live/socket-route.ts';

/** Who sends slowly, or too much, before there is a request to answer. Nothing of this ends a stream. */
const SLOW_CLIENTS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 6_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
};

export function createHttpServer(app: ReturnType<typeof createApp>, { limits, keepAliveMs }: Config): Server {
  const server = createAdaptorServer({
    fetch: app.fetch,
    websocket: { server: createSocketServer() },
    serverOptions: { ...SLOW_CLIENTS, keepAliveTimeout: keepAliveMs },
  }) as Server;
  ignoreUnknownUpgrades(server);
  server.maxConnections = limits.connections;
  return server;
}

/** @returns its address. @throws when the port is taken */
export async function listen(server: Server, { port, host }: Config): Promise<string> {
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${name}:${address.port}`;
}

/** What is being answered gets a moment. */
export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  // What is still being answered gets a moment; what is left then is a client that does not read.
  const force = setTimeout(() => server.closeAllConnections(), 1_000);
  await closed;
  clearTimeout(force);
}
