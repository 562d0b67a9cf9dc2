/**
 * `GET …/sync-logs/:orgId/events`: one organization's feed as Server-Sent Events.
 *
 * Writes straight to Node's response: the same buffer goes to every client, without a copy or a promise for each. What
 * middleware has added to the headers (for pages of other origins) is therefore written here.
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
import { encodeNotice, joinSse } from './frame.ts';
import { guardWatch, viewerOf } from './viewer.ts';
import type { Watch } from './watch.ts';
import type { Wheel } from './wheel.ts';

/** Bytes that may wait in a socket before we stop writing to it. */
const FULL_BYTES = 64 * 1024;

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
};

export interface StreamTools {
  feed: Feed;
  connections: Connections;
  heartbeat: Wheel;
}

export function sseRoutes(tools: StreamTools): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>();
  routes.get('/sync-logs/:orgId/events', async (c) => {
    const organizationId = pathId(c, 'orgId');
    if (c.req.method === 'HEAD') return c.body(null, 200, HEADERS);
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
  { feed, connections, heartbeat }: StreamTools,
  organizationId: number,
  c: Context,
  response: ServerResponse,
): Promise<void> {
  const viewer = viewerOf(c);
  const delivery = createDelivery({
    write: (frames) => response.write(joinSse(frames)),
    isFull: () => response.writableLength > FULL_BYTES,
    giveUp: (why) => {
      if (why === 'stalled') feed.stats.closedSlow += 1;
      response.destroy();
    },
  });
  let watch: Watch | undefined;
  const plans = new Map([[organizationId, { since: sinceOf(c), folded: false }]]);
  [watch] = await feed.watch(plans, () => watch && delivery.news(watch));
  if (watch === undefined || response.destroyed) return watch?.end();

  const joined = guardWatch(watch, viewer);
  watch = joined;
  // With what middleware has put on the answer: CORS, security headers, the request id.
  response.writeHead(200, { ...Object.fromEntries(c.res.headers), ...HEADERS });
  response.socket?.setNoDelay(true);
  response.write(`retry: 2000\n\n${encodeNotice(hello(joined))}`);
  response.on('drain', delivery.onRoom);
  const leaveWheel = heartbeat.add(() => {
    if (response.writableLength === 0) response.write(encodeNotice(ping(joined)));
  });
  feed.stats.sseConnections += 1;
  const sayBye = (reason: ByeReason, retryMs: number) => response.end(encodeNotice(bye(reason, retryMs)));
  const leaveConnections = connections.add({ bye: sayBye });
  const leaveViewer = viewer.onEnd(() => sayBye('reauth', 0));
  response.on('close', () => {
    feed.stats.sseConnections -= 1;
    joined.end();
    delivery.end();
    leaveWheel();
    leaveConnections();
    leaveViewer();
  });
  delivery.news(joined);
}

function hello(watch: Watch) {
  return {
    v: PROTOCOL_VERSION,
    type: 'hello',
    organization_id: watch.organizationId,
    head: formatCursor(watch.epoch, watch.head),
    recovered: watch.recovered,
    reason: watch.reason,
    heartbeat_ms: HEARTBEAT_MS,
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
