/**
 * `GET …/sync-logs/:orgId/events`: one organization's feed as Server-Sent Events.
 *
 * Not here: the bytes (sse-response.ts), when they leave (delivery.ts).
 */
import type { ServerResponse } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { formatCursor } from '../contract/cursor.ts';
import { type ByeReason, HEARTBEAT_MS, PROTOCOL_VERSION } from '../contract/stream-event.ts';
import { answeredByHand } from '../http/answered-by-hand.ts';
import { pathId } from '../http/parameters.ts';
import type { Connections } from './connections.ts';
import { createDelivery } from './delivery.ts';
import type { Feed } from './feed.ts';
import { encodeNotice } from './frame.ts';
import { SSE_HEADERS, sseOutput } from './sse-response.ts';
import type { Turn } from './turn.ts';
import { guardWatch, type Viewer, viewerOf } from './viewer.ts';
import type { Watch } from './watch.ts';
import type { Wheel } from './wheel.ts';

/** Bytes that may wait in a socket before we stop writing to it. */
const FULL_BYTES = 64 * 1024;

/** A client that does not take its goodbye is not waited for. */
const BYE_LIMIT_MS = 1_000;

export interface StreamTools {
  feed: Feed;
  connections: Connections;
  heartbeat: Wheel;
  turn: Turn;
}

export function sseRoutes(tools: StreamTools): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>();
  routes.get('/sync-logs/:orgId/events', async (c) => {
    const organizationId = pathId(c, 'orgId');
    if (c.req.method === 'HEAD') return c.body(null, 200, SSE_HEADERS);
    await openStream(tools, organizationId, c, c.env.outgoing as ServerResponse);
    return answeredByHand();
  });
  return routes;
}

/** The header is what a browser sends by itself when it reconnects, so it is newer than the address. */
function sinceOf(c: Context): string | undefined {
  return c.req.header('last-event-id') || c.req.query('since');
}

async function openStream(
  tools: StreamTools,
  organizationId: number,
  c: Context,
  response: ServerResponse,
): Promise<void> {
  const { feed, turn } = tools;
  // News that come before the stream has begun are not lost: beginning marks the watch dirty.
  let onNews = (): void => {};
  const plan = { since: sinceOf(c), folded: false };
  const [whole] = await feed.watch(new Map([[organizationId, plan]]), () => onNews());
  const { socket } = response;
  // No socket: the request was sent behind another one that is still being answered. A stream needs its own.
  if (whole === undefined || socket === null || response.destroyed) {
    response.destroy();
    return whole?.end();
  }
  const viewer = viewerOf(c);
  const watch = guardWatch(whole, viewer);
  const first = `retry: 2000\n\n${encodeNotice(hello(watch, feed.mode))}`;
  const output = sseOutput(response, socket, { headers: Object.fromEntries(c.res.headers), first });
  const delivery = createDelivery(
    {
      write: output.frames,
      isFull: () => socket.writableLength > FULL_BYTES,
      giveUp(why) {
        if (why === 'stalled') feed.counters.closedSlow += 1;
        socket.destroy();
      },
    },
    turn,
  );
  onNews = () => delivery.news(watch);
  socket.on('drain', delivery.onRoom);
  const leave = keepAlive(tools, watch, viewer, output, () => socket.writableLength > FULL_BYTES);
  feed.counters.sseConnections += 1;
  response.on('close', () => {
    feed.counters.sseConnections -= 1;
    socket.off('drain', delivery.onRoom);
    watch.end();
    delivery.end();
    leave();
  });
  delivery.news(watch);
}

/** The heartbeat, the rotation and the goodbye of one stream. */
function keepAlive(
  { connections, heartbeat }: StreamTools,
  watch: Watch,
  viewer: Viewer,
  output: ReturnType<typeof sseOutput>,
  isFull: () => boolean,
): () => void {
  const connection = {
    bye(reason: ByeReason, retryMs: number) {
      output.end(bye(reason, retryMs), BYE_LIMIT_MS);
    },
  };
  const leaveConnections = connections.add(connection);
  const leaveViewer = viewer.onEnd(() => connection.bye('reauth', 0));
  const leaveWheel = heartbeat.add(() => {
    if (!isFull()) output.notice(ping(watch));
    connections.rotate(connection);
  });
  return () => {
    leaveConnections();
    leaveViewer();
    leaveWheel();
  };
}

/** In its documented form while nudges arrive; it says so when streams live on polling. */
function hello(watch: Watch, mode: Feed['mode']) {
  return {
    v: PROTOCOL_VERSION,
    type: 'hello',
    organization_id: watch.organizationId,
    head: formatCursor(watch.epoch, watch.head),
    recovered: watch.recovered,
    reason: watch.reason,
    heartbeat_ms: HEARTBEAT_MS,
    ...(mode === 'poll' && { live: mode }),
  };
}

function ping(watch: Watch) {
  return {
    v: PROTOCOL_VERSION,
    type: 'ping',
    organization_id: watch.organizationId,
    cursor: formatCursor(watch.epoch, watch.cursor),
  };
}

function bye(reason: ByeReason, retryMs: number) {
  return { v: PROTOCOL_VERSION, type: 'bye', reason, retry_ms: retryMs };
}
