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
import type { IncomingMessage, RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import type { QueuedResponse, QueuedServer, ResponseOwner } from './queued-response.ts';

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
  server: QueuedServer,
  handle: RequestListener,
  { unreadMs = UNREAD_MS, checkMs = CHECK_MS }: RequestQueueOptions = {},
): void {
  const queues: Queues = new Map();
  server.on('request', (request, response) => {
    const { socket } = request;
    // Node also delivers the rest of a packet after the connection has been closed.
    if (socket.destroyed) return;
    const queue = queues.get(socket);
    if (queue === undefined) new RequestQueue(socket, queues, handle).start(request, response);
    else queue.add(request, response);
  });
  const timer = setInterval(() => {
    const now = performance.now();
    for (const queue of queues.values()) queue.endUnread(now, unreadMs);
  }, checkMs);
  timer.unref();
  server.once('close', () => clearInterval(timer));
}

/** Of the connections with a response in progress. */
type Queues = Map<Socket, RequestQueue>;

/** The queue of one connection while a response is in progress. An open stream keeps it, so it is small. */
class RequestQueue implements ResponseOwner {
  readonly #socket: Socket;
  readonly #queues: Queues;
  readonly #handle: RequestListener;
  #waiting: [IncomingMessage, QueuedResponse][] | undefined;
  #isLast = false;
  /** Bytes that the operating system has accepted, and when that number last grew. */
  #taken = 0;
  #takenAt = 0;

  constructor(socket: Socket, queues: Queues, handle: RequestListener) {
    this.#socket = socket;
    this.#queues = queues;
    this.#handle = handle;
    queues.set(socket, this);
  }

  /** The request starts when those before it have been answered. */
  add(request: IncomingMessage, response: QueuedResponse): void {
    this.#waiting ??= [];
    if (this.#waiting.length >= WAITING_AT_MOST) {
      endUnparsed(this.#socket);
      return;
    }
    this.#waiting.push([request, response]);
    this.#isLast ||= this.#waiting.length > PIPELINED;
  }

  start(request: IncomingMessage, response: QueuedResponse): void {
    if (this.#isLast && !this.#waiting?.length) response.shouldKeepAlive = false;
    this.#progressed(performance.now());
    response.queue = this;
    this.#handle(request, response);
  }

  /** The response in progress has closed: starts the next one. */
  onClose(): void {
    const next = this.#socket.destroyed ? undefined : this.#waiting?.shift();
    if (next !== undefined) this.start(...next);
    // Nothing is left of the queue while the connection is idle, or belongs to a WebSocket.
    else this.#queues.delete(this.#socket);
  }

  /** Closes the connection when its reader has taken nothing for so long. */
  endUnread(now: number, unreadMs: number): void {
    const isProgress = this.#socket.writableLength === 0 || takenBy(this.#socket) > this.#taken;
    if (isProgress) this.#progressed(now);
    else if (now - this.#takenAt >= unreadMs) this.#socket.destroy();
  }

  #progressed(now: number): void {
    this.#taken = takenBy(this.#socket);
    // Whole milliseconds: V8 stores small integers without a heap object.
    this.#takenAt = Math.floor(now);
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
