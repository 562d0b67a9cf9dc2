/**
 * Requests with an `Upgrade` header. Each is passed to the application as a normal request, so that it gets the same
 * responses and refusals; only the WebSocket route accepts the upgrade (`takeUpgrade`). Any other is ignored, as HTTP
 * requires: `curl --http2` and Java's client send one with each first request.
 *
 * Node stops handling such a request as soon as there is a listener for `upgrade`. A listener that ignores it leaves a
 * connection that is never answered, never times out and whose end is never noticed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { endBehindResponse, writeProblem } from './malformed-request.ts';
import { ProblemError } from './problem.ts';
import { QueuedResponse, type QueuedServer } from './queued-response.ts';

/** Idle time in both directions. The heartbeat of a stream is four times as frequent. */
const SILENT_MS = 60_000;

/** The bytes that follow the head of an upgrade request. */
const heads = new WeakMap<IncomingMessage, Buffer>();

export function answerUpgrades(server: QueuedServer): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (endBehindResponse(socket)) return;
    const length = lengthOfBody(request);
    if (length === undefined || !(socket instanceof Socket)) return refuseBody(socket);
    heads.set(request, head);
    if (length === 0 || length > READ_AT_MOST) answer(server, request, socket);
    else if (offersWebSocket(request)) refuseBody(socket);
    else {
      // The adapter of the application finds the body under this name.
      readBody(socket, head, length, (rawBody) =>
        answer(server, Object.assign(request, { rawBody }), socket),
      );
    }
  });
}

function refuseBody(socket: Duplex): void {
  const problem =
    'A request with this body cannot offer to upgrade the connection. Send it without Upgrade, or with a Content-Length.';
  void writeProblem(socket, new ProblemError('INVALID_PARAMETER', problem, { field: 'upgrade' }));
}

/** The application refuses a larger one by its length, without reading it. */
const READ_AT_MOST = 64 * 1024;

/** Node has not parsed the body: it is in `head` and the bytes still to come, all of them within a minute. */
function readBody(socket: Socket, head: Buffer, length: number, done: (body: Buffer) => void): void {
  let body = head;
  const limit = setTimeout(() => socket.destroy(), SILENT_MS).unref();
  const stop = () => clearTimeout(limit);
  const check = (): void => {
    if (body.length < length) return;
    stop();
    socket.off('data', add).off('error', destroy).off('end', destroy).off('close', stop);
    done(body.subarray(0, length));
  };
  const add = (bytes: Buffer): void => {
    body = Buffer.concat([body, bytes]);
    check();
  };
  socket.on('data', add).on('error', destroy).on('end', destroy).on('close', stop);
  check();
}

/** Handles the request as if it had no offer. The connection closes after the response, as nothing parses what follows. */
function answer(server: QueuedServer, request: IncomingMessage, socket: Socket): void {
  socket.on('error', destroy);
  const response = new QueuedResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  // Both directions: a client that leaves its side half-open would hold the socket, which has no other reader.
  response.on('finish', () => socket.destroySoon());
  if (offersWebSocket(request)) limitHandshake(response, socket);
  else {
    socket.setTimeout(SILENT_MS, destroy);
    socket.resume();
  }
  server.emit('request', request, response);
}

/** Not with the timeout of the socket: an accepted WebSocket would keep that in memory. */
function limitHandshake(response: ServerResponse, socket: Socket): void {
  const limit = setTimeout(() => socket.destroy(), SILENT_MS).unref();
  // Also emitted when the WebSocket is accepted.
  response.once('close', () => clearTimeout(limit));
}

/** One for all sockets, which saves memory. */
function destroy(this: Socket): void {
  this.destroy();
}

/** Whether this request may become a WebSocket: it has `Connection: Upgrade`, so Node has handed over the connection. */
export function offersWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket' && heads.has(request);
}

/**
 * Detaches the connection from HTTP.
 *
 * @returns the bytes that follow the head of the request; undefined when the client has disconnected
 */
export function takeUpgrade(request: IncomingMessage, response: ServerResponse): Buffer | undefined {
  const { socket } = request;
  if (socket.destroyed) return undefined;
  response.detachSocket(socket);
  // `ws` has its own listener.
  socket.off('error', destroy);
  // For HTTP the response is finished; Node does not emit this for a response without a socket.
  response.emit('close');
  return heads.get(request) ?? Buffer.alloc(0);
}

/** In bytes; undefined when it is only known once the body has been parsed. */
function lengthOfBody({ headers }: IncomingMessage): number | undefined {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : undefined;
}
