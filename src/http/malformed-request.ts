/**
 * Requests that never reach the application: those that Node could not parse, and those that took too long to arrive. Each
 * is answered with a problem, like every other error; Node itself would send a status with an empty body.
 */
import { type Server, ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { RequestError } from '@hono/node-server';
import { ProblemError, problemResponse } from './problem.ts';

/** For the adapter between Node and the application: it could not build a request from what Node parsed, or failed. */
export function adapterProblem(error: unknown): Response {
  if (!(error instanceof RequestError))
    return problemResponse(
      new ProblemError('INTERNAL_ERROR', 'This is a fault of the server. See the server log.'),
    );
  return problemResponse(unreadableAddress());
}

export function unreadableAddress(): ProblemError {
  const detail = 'The request cannot be read: its Host header or its address is not valid.';
  return new ProblemError('INVALID_PARAMETER', detail, { field: 'host' });
}

export function answerMalformedRequests(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    void writeProblem(socket, problemOf(error.code));
  });
  // CONNECT requests a tunnel. Without a listener Node closes the connection without a response.
  server.on('connect', (_request, socket) => {
    if (endBehindResponse(socket)) return;
    const problem = new ProblemError(
      'METHOD_NOT_ALLOWED',
      'This server is not a proxy: it does not support CONNECT.',
    );
    void writeProblem(socket, problem);
  });
  // An unknown expectation may be ignored (RFC 9110, 10.1.1). Without a listener Node answers 417.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

function problemOf(code: string | undefined): ProblemError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new ProblemError('HEADERS_TOO_LARGE', 'The headers are too large: at most 16 KiB in all.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProblemError('REQUEST_INCOMPLETE', 'The request did not arrive in time. Send it again.');
    default:
      return new ProblemError('INVALID_PARAMETER', 'This is not a valid HTTP request.', { field: 'request' });
  }
}

/** Does not wait for a client that does not close its side. */
const LEAVE_MS = 1_000;

/** Writes to a connection that Node no longer writes to. During a response no other one can be written. */
export async function writeProblem(socket: Duplex, problem: ProblemError): Promise<void> {
  socket.on('error', () => socket.destroy());
  if (!socket.writable || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  const response = problemResponse(problem);
  const body = await response.text();
  const headers = {
    ...Object.fromEntries(response.headers),
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const { status } = response;
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
  socket.resume();
  setTimeout(() => socket.destroy(), LEAVE_MS).unref();
}

/**
 * Ends a connection that Node has handed over (`connect`, `upgrade`) while the response to an earlier request was in progress: that
 * request was pipelined, and an answer to this one would be read as its own.
 *
 * @returns whether it was ended
 */
export function endBehindResponse(socket: Duplex): boolean {
  if (responseOn(socket) === undefined) return false;
  socket.on('error', () => socket.destroy());
  socket.destroy();
  return true;
}

/** A request that has arrived in full is answered by its route: what cannot be read is behind it. */
function isAnswering(socket: Duplex): boolean {
  const response = responseOn(socket);
  return response !== undefined && (response.headersSent || response.req.complete);
}

/** Node stores the response in progress on the socket. */
function responseOn(socket: Duplex): ServerResponse | undefined {
  const response: unknown = Reflect.get(socket, '_httpMessage');
  return response instanceof ServerResponse ? response : undefined;
}
