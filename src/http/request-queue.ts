/**
 * One connection costs one answer at a time, however many requests are sent on it.
 *
 * Node starts every request that a packet holds, and keeps the finished answers until their turn comes: 64 KiB of
 * `GET /docs` are two thousand answers in memory. Here the next request starts when the answer before it has been handed to
 * the operating system, some requests wait, and a connection with more than those is ended. So is one whose answer makes no
 * progress: a client that does not read holds one answer for half a minute.
 *
 * Not here: how many connections one address may have (connection-share.ts), streams that are slow to read (live/socket-writer.ts).
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection that may wait. HTTP clients that pipeline at all send about ten. */
const WAITING_AT_MOST = 32;
/** Behind more than these the connection ends with its last answer: it would stay open, unread, until it is idle for long. */
const PIPELINED = 8;
/** So long an answer may wait for its reader without a write coming to its end. */
const UNREAD_MS = 30_000;
const CHECK_MS = 5_000;

export interface RequestQueueOptions {
  unreadMs?: number;
  checkMs?: number;
}

export function answerInTurn(
  server: Server,
  handle: RequestListener,
  { unreadMs = UNREAD_MS, checkMs = CHECK_MS }: RequestQueueOptions = {},
): void {
  const queues = new WeakMap<Socket, RequestQueue>();
  const answering = new Map<Socket, Progress>();
  server.on('request', (request, response) => {
    const { socket } = request;
    let queue = queues.get(socket);
    if (queue === undefined) {
      queue = new RequestQueue(socket, handle, answering);
      queues.set(socket, queue);
    }
    queue.add(request, response);
  });
  const timer = setInterval(() => endUnread(answering, unreadMs), checkMs);
  timer.unref();
  server.once('close', () => clearInterval(timer));
}

/** Bytes that the operating system has taken, and when that number last grew. */
interface Progress {
  taken: number;
  since: number;
}

class RequestQueue {
  readonly #socket: Socket;
  readonly #handle: RequestListener;
  readonly #answering: Map<Socket, Progress>;
  readonly #waiting: [IncomingMessage, ServerResponse][] = [];
  #isBusy = false;
  #isLast = false;

  constructor(socket: Socket, handle: RequestListener, answering: Map<Socket, Progress>) {
    this.#socket = socket;
    this.#handle = handle;
    this.#answering = answering;
  }

  add(request: IncomingMessage, response: ServerResponse): void {
    // Node hands over what is left of a packet also after the connection was ended.
    if (this.#socket.destroyed) return;
    if (!this.#isBusy) this.#start(request, response);
    else if (this.#waiting.length < WAITING_AT_MOST) {
      this.#waiting.push([request, response]);
      this.#isLast ||= this.#waiting.length > PIPELINED;
    } else endUnparsed(this.#socket);
  }

  #start(request: IncomingMessage, response: ServerResponse): void {
    this.#isBusy = true;
    if (this.#isLast && this.#waiting.length === 0) response.shouldKeepAlive = false;
    this.#answering.set(this.#socket, { taken: takenBy(this.#socket), since: performance.now() });
    response.once('close', () => this.#next());
    this.#handle(request, response);
  }

  #next(): void {
    this.#isBusy = false;
    this.#answering.delete(this.#socket);
    if (this.#socket.destroyed) this.#waiting.length = 0;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#start(...next);
  }
}

/** What llhttp takes as the end of what it has to parse. */
const STOP_PARSING = 2;

/**
 * Ends a connection in the middle of a packet. Node would still make a request of everything that is left in it, which is
 * the larger part of the work. That its parser can be told to stop is not documented; without it only the work remains.
 */
function endUnparsed(socket: Socket): void {
  const parser: unknown = Reflect.get(socket, 'parser');
  if (typeof parser === 'object' && parser !== null && 'onIncoming' in parser) {
    parser.onIncoming = () => STOP_PARSING;
  }
  socket.destroy();
}

function takenBy(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength;
}

function endUnread(answering: Map<Socket, Progress>, unreadMs: number): void {
  const now = performance.now();
  for (const [socket, progress] of answering) {
    const taken = takenBy(socket);
    if (socket.writableLength === 0 || taken > progress.taken) {
      progress.taken = taken;
      progress.since = now;
    } else if (now - progress.since >= unreadMs) socket.destroy();
  }
}
