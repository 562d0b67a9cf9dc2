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
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { createDelivery } from './delivery.ts';
import { joinSocket } from './frame.ts';
import { type LiveTools, openSubscription, type Subscription } from './subscription.ts';
import type { Turn } from './turn.ts';
import type { Viewer } from './viewer.ts';
import type { Wheel } from './wheel.ts';

const v = PROTOCOL_VERSION;

/** Bytes that may wait in a socket before we stop writing to it. */
const FULL_BYTES = 256 * 1024;
const SUBSCRIPTIONS_AT_MOST = 32;
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
  const { counters } = tools.feed;
  const subscriptions = new Map<string, Subscription>();
  const send = (frame: ServerFrame) => socket.send(JSON.stringify(frame));
  const refuse = (id: string | null, code: SocketErrorCode, message: string) =>
    send({ v, type: 'error', id, code, message });
  const isFull = () => wire.writableLength > FULL_BYTES;
  const delivery = createDelivery(
    {
      write(portions) {
        // After the closing frame nothing may follow.
        if (socket.readyState !== socket.OPEN) return;
        const [only] = portions;
        if (portions.length === 1 && only !== undefined) wire.write(joinSocket(only));
        else wire.write(Buffer.concat(portions.map(joinSocket)));
      },
      isFull,
      giveUp(why) {
        if (why === 'stalled') counters.closedSlow += 1;
        closeSoon(socket, why === 'stalled' ? TOO_SLOW : OVERLOAD);
      },
    },
    tools.turn,
  );
  wire.on('drain', delivery.onRoom);

  const subscribe = async (frame: ClientFrame & { type: 'subscribe' }): Promise<void> => {
    const { id } = frame;
    if (subscriptions.has(id))
      return refuse(id, 'DUPLICATE_SUBSCRIPTION', `Unsubscribe "${id}" first, or choose another id.`);
    if (subscriptions.size >= SUBSCRIPTIONS_AT_MOST) {
      return refuse(
        id,
        'TOO_MANY_SUBSCRIPTIONS',
        `A socket holds ${SUBSCRIPTIONS_AT_MOST} subscriptions; name more organizations in one.`,
      );
    }
    if (frame.organizations !== '*' && !frame.organizations.every(viewer.maySee)) {
      return refuse(id, 'FORBIDDEN', 'Your token does not hold all of these organizations; ask for "*".');
    }
    const subscription = await openSubscription(frame, tools, viewer, delivery, send);
    if (socket.readyState === socket.OPEN) subscriptions.set(id, subscription);
    else subscription.end();
  };
  const obey = async (frame: ClientFrame): Promise<void> => {
    switch (frame.type) {
      case 'subscribe':
        return subscribe(frame);
      case 'unsubscribe': {
        const subscription = subscriptions.get(frame.id);
        if (subscription === undefined)
          return refuse(frame.id, 'UNKNOWN_SUBSCRIPTION', `There is no subscription "${frame.id}".`);
        subscription.end();
        subscriptions.delete(frame.id);
        return send({ v, type: 'unsubscribed', id: frame.id });
      }
      case 'ping':
        return send({ v, type: 'pong' });
      default:
        return frame satisfies never;
    }
  };
  // One frame after the other, so that an unsubscribe never overtakes the subscribe it follows.
  let queue = Promise.resolve();
  const obeyInTurn = (frame: ClientFrame): void => {
    queue = queue
      .then(() => obey(frame))
      .catch((error: unknown) => {
        tools.logger.warn(safeError(error), 'A subscription could not be served');
        const id = frame.type === 'ping' ? null : frame.id;
        refuse(id, 'DATABASE_UNAVAILABLE', 'The database did not answer; subscribe again in a moment.');
      });
  };

  socket.on('message', (data, isBinary) => {
    const frame = isBinary ? undefined : parseFrame(String(data));
    if (frame !== undefined) return obeyInTurn(frame);
    refuse(
      idOf(String(data)),
      'NOT_UNDERSTOOD',
      'Send JSON text: subscribe, unsubscribe or ping, as in /asyncapi.json.',
    );
  });
  socket.on('error', () => socket.terminate());
  const connection = {
    bye(reason: ByeReason, retryMs: number) {
      send({ v, type: 'bye', reason, retry_ms: retryMs });
      closeSoon(socket, reason === 'reauth' ? NOT_AUTHENTICATED : RESTART);
    },
  };
  const ends = [
    tools.heartbeat.add(() => {
      if (!isFull()) send({ v, type: 'ping', heads: headsOf(subscriptions) });
      tools.connections.rotate(connection);
    }),
    tools.keepAlive.add(watchPeer(socket)),
    tools.connections.add(connection),
    viewer.onEnd(() => connection.bye('reauth', 0)),
    delivery.end,
  ];
  counters.socketConnections += 1;
  socket.on('close', () => {
    counters.socketConnections -= 1;
    for (const end of ends) end();
    for (const subscription of subscriptions.values()) subscription.end();
    subscriptions.clear();
  });

  send({ v, type: 'hello', heartbeat_ms: HEARTBEAT_MS, ...(tools.feed.mode === 'poll' && { live: 'poll' }) });
  if (organizations === undefined) return;
  const asked = parseFrame(
    JSON.stringify({ type: 'subscribe', id: 'address', organizations: parseList(organizations) }),
  );
  if (asked !== undefined) obeyInTurn(asked);
  else refuse(null, 'NOT_UNDERSTOOD', '"organizations" must be * or ids with commas, such as 123,124.');
}

function headsOf(subscriptions: ReadonlyMap<string, Subscription>): Record<string, string> {
  const watches = [...subscriptions.values()].flatMap((subscription) => [...subscription.watches.values()]);
  return Object.fromEntries(
    watches.map((watch) => [watch.organizationId, formatCursor(watch.epoch, watch.cursor)]),
  );
}

/** A peer that did not answer the last ping is gone, whatever its connection looks like. */
function watchPeer(socket: WebSocket): () => void {
  let alive = true;
  socket.on('pong', () => {
    alive = true;
  });
  return () => {
    if (!alive) return socket.terminate();
    alive = false;
    socket.ping();
  };
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
