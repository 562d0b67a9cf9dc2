/**
 * One WebSocket of an ops console: subscriptions to organizations, and their feeds in the envelope of the SSE stream.
 *
 * A frame that is not understood is answered with an `error` frame, and the connection goes on. A subscription to `*`
 * also takes in organizations that appear later. Delivery to a slow console is delivery.ts's, as for SSE.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { formatCursor } from '../contract/cursor.ts';
import { ClientFrame, type ServerFrame, type SocketErrorCode } from '../contract/socket-frame.ts';
import { type ByeReason, HEARTBEAT_MS, PROTOCOL_VERSION } from '../contract/stream-event.ts';
import { ProblemError } from '../http/problem.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import type { Connection } from './connections.ts';
import { createDelivery, type Delivery, type Outlet } from './delivery.ts';
import { type Frame, joinSocket } from './frame.ts';
import { type LiveTools, openSubscription, type Subscription } from './subscription.ts';
import type { Turn } from './turn.ts';
import type { Viewer } from './viewer.ts';
import type { Spoke, Wheel } from './wheel.ts';

const v = PROTOCOL_VERSION;

/** Bytes that may wait in a socket before we stop writing to it. */
const FULL_BYTES = 256 * 1024;
const SUBSCRIPTIONS_AT_MOST = 32;
/** Frames that may wait for those before them. */
const FRAMES_AT_MOST = 64;
/** Frames over the limit, one after the other, before the socket is not heard for a while. */
const REFUSALS_AT_MOST = 100;
/** Doubles with each time. Below the interval of protocol pings, which a client that is not heard cannot answer. */
const REST_MS = 1_000;
const REST_AT_MOST_MS = 16_000;
/** After so long without one the next rest is short again. */
const REST_FORGOTTEN_MS = 60_000;
const TOO_SLOW = 4002;
const OVERLOAD = 1013;
const RESTART = 1012;
const NOT_AUTHENTICATED = 4401;
const CLOSE_LIMIT_MS = 1_000;

export interface SocketTools extends LiveTools {
  heartbeat: Wheel;
  /** Protocol pings, which find peers that are gone. */
  keepAlive: Wheel;
  turn: Turn;
  logger: Logger;
}

/**
 * @param wire the connection below `socket`: events are framed once for all and go straight onto it, in one write
 * @param organizations what the address asked for, as it was sent: `*`, or ids with commas
 */
export function serveOpsSocket(
  socket: WebSocket,
  wire: Socket,
  organizations: string | undefined,
  viewer: Viewer,
  tools: SocketTools,
): void {
  new OpsSocket(socket, wire, viewer, tools).begin(organizations);
}

/** A class: one for each console, and functions made for each would be most of what an idle one costs. */
class OpsSocket implements Outlet, Connection, Spoke {
  readonly #socket: WebSocket;
  readonly #wire: Socket;
  readonly #viewer: Viewer;
  readonly #tools: SocketTools;
  readonly #delivery: Delivery;
  readonly #peer: Peer;
  readonly #leaveViewer: () => void;
  readonly #subscriptions = new Map<string, Subscription>();
  /** One frame after the other, so that an unsubscribe never overtakes the subscribe it follows. */
  #queue = Promise.resolve();
  #waiting = 0;
  #refusedInARow = 0;
  #isResting = false;
  #restMs = 0;
  #restedAt = Number.NEGATIVE_INFINITY;

  constructor(socket: WebSocket, wire: Socket, viewer: Viewer, tools: SocketTools) {
    this.#socket = socket;
    this.#wire = wire;
    this.#viewer = viewer;
    this.#tools = tools;
    this.#delivery = createDelivery(this, tools.turn);
    this.#peer = new Peer(socket);
    this.#leaveViewer = viewer.onEnd(this);
    wire.on('drain', () => {
      this.#delivery.onRoom();
      this.#listen();
    });
    socket.on('message', (data, isBinary) => this.#hear(String(data), isBinary));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => this.#end());
    tools.heartbeat.add(this);
    tools.keepAlive.add(this.#peer);
    tools.connections.add(this);
    tools.feed.counters.socketConnections += 1;
  }

  begin(organizations: string | undefined): void {
    const { mode } = this.#tools.feed;
    this.#send({ v, type: 'hello', heartbeat_ms: HEARTBEAT_MS, ...(mode === 'poll' && { live: 'poll' }) });
    if (organizations === undefined) return;
    const asked = parseFrame(
      JSON.stringify({ type: 'subscribe', id: 'address', organizations: parseList(organizations) }),
    );
    if (asked !== undefined) this.#obeyInTurn(asked);
    else
      this.#refuse(null, 'NOT_UNDERSTOOD', '"organizations" must be * or ids with commas, such as 123,124.');
  }

  write(portions: readonly (readonly Frame[])[]): void {
    // After the closing frame nothing may follow.
    if (!this.#isOpen()) return;
    const [only] = portions;
    if (portions.length === 1 && only !== undefined) this.#wire.write(joinSocket(only));
    else this.#wire.write(Buffer.concat(portions.map(joinSocket)));
  }

  isFull(): boolean {
    return this.#wire.writableLength > FULL_BYTES;
  }

  giveUp(why: 'stalled' | 'failed'): void {
    if (why === 'stalled') this.#tools.feed.counters.closedSlow += 1;
    closeSoon(this.#socket, why === 'stalled' ? TOO_SLOW : OVERLOAD);
  }

  bye(reason: ByeReason, retryMs: number): void {
    this.#send({ v, type: 'bye', reason, retry_ms: retryMs });
    closeSoon(this.#socket, reason === 'reauth' ? NOT_AUTHENTICATED : RESTART);
  }

  beat(): void {
    if (!this.isFull()) this.#send({ v, type: 'ping', heads: headsOf(this.#subscriptions) });
    this.#tools.connections.rotate(this);
  }

  #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  #send(frame: ServerFrame): void {
    this.#socket.send(JSON.stringify(frame));
  }

  #refuse(id: string | null, code: SocketErrorCode, message: string): void {
    this.#send({ v, type: 'error', id, code, message });
  }

  #hear(text: string, isBinary: boolean): void {
    if (!this.#mayAsk(text)) return;
    const frame = isBinary ? undefined : parseFrame(text);
    const what = 'Send JSON text: subscribe, unsubscribe or ping, as in /asyncapi.json.';
    if (frame === undefined) this.#refuse(idOf(text), 'NOT_UNDERSTOOD', what);
    else this.#obeyInTurn(frame);
    this.#listen();
  }

  /** Frames count as requests do. A client that goes on asking is not heard for a while. */
  #mayAsk(text: string): boolean {
    try {
      this.#viewer.frames?.take();
      this.#refusedInARow = 0;
      return true;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      this.#viewer.frames?.refused('TOO_MANY_REQUESTS');
      this.#refuse(idOf(text), 'TOO_MANY_REQUESTS', error.message);
      this.#refusedInARow += 1;
      if (this.#refusedInARow % REFUSALS_AT_MOST === 0) this.#rest();
      return false;
    }
  }

  /** Who does not take our answers, or asks faster than we can answer, is not heard until there is room again. */
  #listen(): void {
    if (this.#isResting || this.isFull() || this.#waiting > FRAMES_AT_MOST) this.#socket.pause();
    else this.#socket.resume();
  }

  #rest(): void {
    if (this.#isResting) return;
    const now = performance.now();
    const isRepeated = now - this.#restedAt < REST_FORGOTTEN_MS;
    this.#restMs = isRepeated ? Math.min(2 * this.#restMs, REST_AT_MOST_MS) : REST_MS;
    this.#restedAt = now + this.#restMs;
    this.#isResting = true;
    this.#listen();
    setTimeout(() => {
      this.#isResting = false;
      if (this.#isOpen()) this.#listen();
    }, this.#restMs).unref();
  }

  #obeyInTurn(frame: ClientFrame): void {
    this.#waiting += 1;
    this.#queue = this.#queue
      .then(() => this.#obey(frame))
      .catch((error: unknown) => {
        this.#tools.logger.warn(safeError(error), 'A subscription could not be served');
        const id = frame.type === 'ping' ? null : frame.id;
        const what = 'The database did not answer; subscribe again in a moment.';
        this.#refuse(id, 'DATABASE_UNAVAILABLE', what);
      })
      .finally(() => {
        this.#waiting -= 1;
        this.#listen();
      });
  }

  async #obey(frame: ClientFrame): Promise<void> {
    switch (frame.type) {
      case 'subscribe':
        return this.#subscribe(frame);
      case 'unsubscribe':
        return this.#unsubscribe(frame.id);
      case 'ping':
        return this.#send({ v, type: 'pong' });
      default:
        return frame satisfies never;
    }
  }

  async #subscribe(frame: ClientFrame & { type: 'subscribe' }): Promise<void> {
    const { id, organizations } = frame;
    if (this.#subscriptions.has(id))
      return this.#refuse(id, 'DUPLICATE_SUBSCRIPTION', `Unsubscribe "${id}" first, or choose another id.`);
    if (this.#subscriptions.size >= SUBSCRIPTIONS_AT_MOST) {
      const what = `A socket holds ${SUBSCRIPTIONS_AT_MOST} subscriptions; name more organizations in one.`;
      return this.#refuse(id, 'TOO_MANY_SUBSCRIPTIONS', what);
    }
    if (organizations !== '*' && !organizations.every((named) => this.#viewer.maySee(named))) {
      this.#viewer.frames?.refused('FORBIDDEN');
      const what = 'Your token does not hold all of these organizations; ask for "*".';
      return this.#refuse(id, 'FORBIDDEN', what);
    }
    const send = (answer: ServerFrame) => this.#send(answer);
    const subscription = await openSubscription(frame, this.#tools, this.#viewer, this.#delivery, send);
    if (this.#isOpen()) this.#subscriptions.set(id, subscription);
    else subscription.end();
  }

  #unsubscribe(id: string): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) {
      this.#refuse(id, 'UNKNOWN_SUBSCRIPTION', `There is no subscription "${id}".`);
      return;
    }
    subscription.end();
    this.#subscriptions.delete(id);
    this.#send({ v, type: 'unsubscribed', id });
  }

  #end(): void {
    this.#tools.feed.counters.socketConnections -= 1;
    this.#tools.heartbeat.remove(this);
    this.#tools.keepAlive.remove(this.#peer);
    this.#tools.connections.remove(this);
    this.#leaveViewer();
    this.#delivery.end();
    for (const subscription of this.#subscriptions.values()) subscription.end();
    this.#subscriptions.clear();
  }
}

function headsOf(subscriptions: ReadonlyMap<string, Subscription>): Record<string, string> {
  const watches = [...subscriptions.values()].flatMap((subscription) => [...subscription.watches.values()]);
  return Object.fromEntries(
    watches.map((watch) => [watch.organizationId, formatCursor(watch.epoch, watch.cursor)]),
  );
}

/** A peer that did not answer the last ping is gone, whatever its connection looks like. */
class Peer implements Spoke {
  readonly #socket: WebSocket;
  #alive = true;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('pong', () => {
      this.#alive = true;
    });
  }

  beat(): void {
    if (this.#alive) this.#socket.ping();
    else this.#socket.terminate();
    this.#alive = false;
  }
}

/** A peer that does not read will not answer the close either. */
function closeSoon(socket: WebSocket, code: number): void {
  socket.close(code);
  setTimeout(() => socket.terminate(), CLOSE_LIMIT_MS).unref();
}

function parseFrame(text: string): ClientFrame | undefined {
  const result = ClientFrame.safeParse(parseJson(text));
  return result.success ? result.data : undefined;
}

/** Of a frame that was not understood, so that its sender knows which one. */
function idOf(text: string): string | null {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || !('id' in value)) return null;
  return typeof value.id === 'string' ? value.id.slice(0, 64) : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseList(text: string): '*' | number[] {
  return text === '*' ? '*' : text.split(',').map(Number);
}
