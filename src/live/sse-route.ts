/**
 * `GET …/sync-logs/:orgId/events`: one organization's feed as Server-Sent Events.
 *
 * Not here: what a stream does once it is open (sse-stream.ts).
 */
import type { ServerResponse } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { formatCursor } from '../contract/cursor.ts';
import { HEARTBEAT_MS, PROTOCOL_VERSION } from '../contract/stream-event.ts';
import { answeredByHand } from '../http/answered-by-hand.ts';
import { pathId } from '../http/parameters.ts';
import { ProblemError } from '../http/problem.ts';
import type { Feed } from './feed.ts';
import { encodeNotice } from './frame.ts';
import { SSE_HEADERS, SseOutput } from './sse-response.ts';
import { SseStream, type StreamTools } from './sse-stream.ts';
import { guardWatch, type Viewer, viewerOf } from './viewer.ts';
import type { Watch } from './watch.ts';

export function sseRoutes(tools: StreamTools): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>();
  routes.get('/sync-logs/:orgId/events', async (c) => {
    const organizationId = pathId(c, 'orgId');
    if (c.req.method === 'HEAD') return c.body(null, 200, SSE_HEADERS);
    if (c.req.header('upgrade')?.toLowerCase() === 'websocket') throw notHere();
    if (hasBody(c)) throw new ProblemError('INVALID_PARAMETER', 'A stream takes no body.', { field: 'body' });
    const request = {
      organizationId,
      since: sinceOf(c),
      viewer: viewerOf(c),
      headers: Object.fromEntries(c.res.headers),
    };
    await openStream(tools, request, c.env.outgoing as ServerResponse);
    return answeredByHand(c);
  });
  return routes;
}

function notHere(): ProblemError {
  return new ProblemError(
    'INVALID_PARAMETER',
    'This is an event stream. WebSocket is at /api/v1/cliniko/ws.',
    {
      field: 'upgrade',
    },
  );
}

/** Nobody would read it, and Node would end the stream for a request that never came to its end. */
function hasBody(c: Context): boolean {
  return c.req.header('transfer-encoding') !== undefined || Number(c.req.header('content-length') ?? 0) > 0;
}

/**
 * The newest first: the header is what a browser sends by itself when it reconnects, `lastEventId` what a polyfill adds to the
 * address then, and `since` is in the address from the beginning.
 */
function sinceOf(c: Context): string | undefined {
  return c.req.header('last-event-id') || c.req.query('lastEventId') || c.req.query('since');
}

/** What is read of a request before its stream begins; the request itself is not kept. */
interface StreamRequest {
  organizationId: number;
  since: string | undefined;
  viewer: Viewer;
  /** What middleware has put on the answer. */
  headers: Record<string, string>;
}

async function openStream(tools: StreamTools, request: StreamRequest, response: ServerResponse) {
  const { organizationId, since, viewer, headers } = request;
  const plans = new Map([[organizationId, { since, folded: false }]]);
  let stream: SseStream | undefined;
  await awaitTurn(response);
  // News that come before the stream has begun are not lost: beginning marks the watch dirty.
  const [whole] = await tools.feed.watch(plans, () => stream?.news());
  const { socket } = response;
  // No socket: the request was sent behind another one that is still being answered. A stream needs its own.
  if (whole === undefined || socket === null || response.destroyed) {
    response.destroy();
    // Node tells nobody of an answer that never had its turn.
    response.emit('close');
    return whole?.end();
  }
  const watch = guardWatch(whole, viewer);
  const first = `retry: 2000\n\n${encodeNotice(hello(watch, tools.feed.mode))}`;
  stream = new SseStream(tools, watch, viewer, new SseOutput(response, socket, { headers, first }));
  stream.news();
}

/** How long an answer may wait for the one before it on the same connection. */
const TURN_MS = 1_000;

/** A browser asks anew on a connection when the answer before is not quite over here: the turn comes in a moment, or never. */
async function awaitTurn(response: ServerResponse): Promise<void> {
  if (response.socket !== null) return;
  await new Promise<void>((resolve) => {
    const limit = setTimeout(resolve, TURN_MS);
    response.once('socket', () => {
      clearTimeout(limit);
      resolve();
    });
  });
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
