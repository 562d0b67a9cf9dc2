/** Node's HTTP server around the app: the limits of one client, how it starts to listen, and how it closes. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Config } from '../config/config.ts';
import { withoutBasePath } from '../http/base-path.ts';
import { limitConnectionsPerAddress } from '../http/connection-share.ts';
import { adapterProblem, answerMalformedRequests } from '../http/malformed-request.ts';
import { ProblemError, problemResponse } from '../http/problem.ts';
import { QueuedResponse, type QueuedServer } from '../http/queued-response.ts';
import { answerInTurn } from '../http/request-queue.ts';
import { answerUpgrades } from '../http/upgrades.ts';
import type { createApp } from './app.ts';

/**
 * For clients that send slowly, or too much, before their request is complete. A stream ends only if its client sends more behind
 * it.
 */
const SLOW_CLIENTS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 6_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  // hardening.ts asks for it, and lets health checks in HTTP/1.0 through.
  requireHostHeader: false,
};

export interface HttpServerOptions
  extends Pick<Config, 'basePath' | 'limits' | 'keepAliveMs' | 'trustedProxies'> {
  onConnectionRefused: (reason: 'address' | 'server') => void;
}

export function createHttpServer(
  app: ReturnType<typeof createApp>,
  options: HttpServerOptions,
): QueuedServer {
  const { basePath, limits, keepAliveMs, trustedProxies, onConnectionRefused } = options;
  const server = createServer({
    ...SLOW_CLIENTS,
    keepAliveTimeout: keepAliveMs,
    ServerResponse: QueuedResponse,
  });
  server.maxConnections = limits.connections;
  limitConnectionsPerAddress(server, {
    perAddress: limits.connectionsPerAddress,
    trustedProxies,
    onRefused: onConnectionRefused,
  });
  answerMalformedRequests(server);
  answerUpgrades(server);
  answerInTurn(server, listenerFor(app, basePath));
  return server;
}

function listenerFor(app: ReturnType<typeof createApp>, basePath: string): RequestListener {
  // The hostname stands in for a missing Host, which hardening.ts judges.
  const listener = getRequestListener(app.fetch, { errorHandler: adapterProblem, hostname: 'localhost' });
  const outside = getRequestListener(() => {
    const detail = `This server serves everything below ${basePath}/ (BASE_PATH). A proxy must pass addresses on unchanged.`;
    return problemResponse(new ProblemError('NOT_FOUND', detail));
  });
  return (request, response) => {
    const address = withoutBasePath(request.url ?? '', basePath);
    if (address === undefined) return void outside(request, response);
    request.url = address;
    void listener(request, response);
  };
}

/** @returns its address. @throws when the port is taken */
export async function listen(server: Server, { port, host, basePath }: Config): Promise<string> {
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${name}:${address.port}${basePath}`;
}

/** What is being answered gets a moment. */
export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  // Requests in progress get a moment; after that only clients that do not read are left.
  const force = setTimeout(() => server.closeAllConnections(), 1_000);
  await closed;
  clearTimeout(force);
}
