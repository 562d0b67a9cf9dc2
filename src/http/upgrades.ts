/**
 * Offers to speak another protocol. WebSocket is taken up; any other is ignored, as HTTP asks of a server that does not know
 * it: `curl --http2` and Java's client make one with each first request.
 *
 * Node takes a request with such an offer out of its hands as soon as anybody listens for WebSocket. Whoever then looks away
 * leaves a connection that is never answered, never timed out and never seen to end.
 */
import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Nothing written and nothing read. The heartbeat of a stream comes four times as often. */
const SILENT_MS = 60_000;

/** @param server with the one listener of the adapter, which asks that there be no other */
export function ignoreUnknownUpgrades(server: Server): void {
  const takeUp = server.listeners('upgrade');
  server.removeAllListeners('upgrade');
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.headers.upgrade?.toLowerCase() === 'websocket') {
      for (const listener of takeUp) listener.call(server, request, socket, head);
    } else if (hasBody(request) || !(socket instanceof Socket)) refuse(socket);
    else answer(server, request, socket);
  });
}

/** As if there had been no offer. The connection ends with the answer, as nobody parses what comes after it. */
function answer(server: Server, request: IncomingMessage, socket: Socket): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  // Both ways: a client that leaves its own side open would hold the socket, which nobody watches any more.
  response.on('finish', () => socket.destroySoon());
  socket.setTimeout(SILENT_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.resume();
  server.emit('request', request, response);
}

/** What Node has not parsed: the body lies between what it gave us and what is still to come. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function refuse(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  socket.resume();
  socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', () =>
    socket.destroy(),
  );
}
