/**
 * One connection has at most one response in progress, however many requests it pipelines.
 *
 * Node starts every request of a packet, and buffers the finished responses until each can be sent: 64 KiB of `GET /docs` are
 * two thousand responses in memory. Here the next request starts when the response before it has been handed to the
 * operating system, a few requests wait, and a connection with more is closed. A connection whose response makes no
 * progress is closed too: a client that does not read holds one response for half a minute.
 *
 * Not here: how many connections one address may have (connection-share.ts), streams that are slow to read (live/socket-writer.ts).
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Maximum number of waiting requests of one connection. HTTP clients that pipeline at all send about ten. */
const WAITING_AT_MOST = 32;
/** With more than these the connection closes after its last response: otherwise it would stay open, unread, until idle. */
const PIPELINED = 2;
/** How long a response may wait for its reader without a completed write. */
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

/** Bytes that the operating system has accepted, and when that number last grew. */
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
    // Node also delivers the rest of a packet after the connection has been closed.
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

/** Makes llhttp stop parsing. */
const STOP_PARSING = 2;

/**
 * Closes a connection in the middle of a packet. Node would still create a request from everything left in it, which is
 * most of the work. Stopping its parser is undocumented; if that fails, only the extra work remains.
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
