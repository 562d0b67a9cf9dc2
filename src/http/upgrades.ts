/**
 * Offers to speak another protocol. Each is handed to the application as the request that it is, so that it gets the same
 * answers and refusals; only the route of the WebSocket takes up its offer (`takeUpgrade`). Any other is ignored, as HTTP
 * asks of a server that does not know it: `curl --http2` and Java's client make one with each first request.
 *
 * Node takes a request with such an offer out of its hands as soon as there is a listener for `upgrade`. A listener that
 * ignores it leaves a connection that is never answered, never timed out and never seen to end.
 */
import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { writeProblem } from './malformed-request.ts';
import { ProblemError } from './problem.ts';

/** Nothing written and nothing read. The heartbeat of a stream comes four times as often. */
const SILENT_MS = 60_000;

/** What came behind the head of a request that offers to speak another protocol. */
const heads = new WeakMap<IncomingMessage, Buffer>();

export function answerUpgrades(server: Server): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // What Node has not parsed: the body lies between what it gave us and what is still to come.
    if (hasBody(request) || !(socket instanceof Socket)) {
      const problem =
        'A request with a body cannot offer to upgrade the connection. Send it without Upgrade.';
      void writeProblem(socket, new ProblemError('INVALID_PARAMETER', problem, { field: 'upgrade' }));
      return;
    }
    heads.set(request, head);
    answer(server, request, socket);
  });
}

/** As if there had been no offer. The connection ends with the answer, as nothing parses what comes after it. */
function answer(server: Server, request: IncomingMessage, socket: Socket): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  // Both ways: a client that leaves its own side open would hold the socket, which has no other reader.
  response.on('finish', () => socket.destroySoon());
  socket.setTimeout(SILENT_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  if (!offersWebSocket(request)) socket.resume();
  server.emit('request', request, response);
}

/** Whether this request may become a WebSocket: `Connection: Upgrade` came with the offer, so Node has handed the connection over. */
export function offersWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket' && heads.has(request);
}

/**
 * Takes the connection from HTTP.
 *
 * @returns what came behind the head of the request; undefined when the client has left
 */
export function takeUpgrade(request: IncomingMessage, response: ServerResponse): Buffer | undefined {
  const { socket } = request;
  if (socket.destroyed) return undefined;
  response.detachSocket(socket);
  socket.setTimeout(0);
  // For HTTP the answer is over; Node does not say so of a response without a socket.
  response.emit('close');
  return heads.get(request) ?? Buffer.alloc(0);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
