/**
 * `GET …/sync-logs/:orgId/events`: one organization's feed as Server-Sent Events.
 *
 * Not here: what a stream does once it is open (sse-connection.ts).
 */
import type { ServerResponse } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { formatCursor } from '#contract/cursor.ts';
import { HEARTBEAT_MS, PROTOCOL_VERSION } from '#contract/stream-event.ts';
import { hijackedResponse } from '../../http/hijacked-response.ts';
import { pathId } from '../../http/parameters.ts';
import { ProblemError } from '../../http/problem.ts';
import { encodeNotice } from '../frame.ts';
import type { Hub } from '../hub.ts';
import { guardSubscriber, type StreamAuthorization, streamAuthorizationOf } from '../stream-authorization.ts';
import type { Subscriber } from '../subscriber.ts';
import { SseConnection, type SseDeps } from './sse-connection.ts';
import { SSE_HEADERS, SseSocket } from './sse-socket.ts';

export function sseRoutes(deps: SseDeps): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>();
  routes.get('/sync-logs/:orgId/events', async (c) => {
    const organizationId = pathId(c, 'orgId');
    if (c.req.method === 'HEAD') return c.body(null, 200, SSE_HEADERS);
    if (c.req.header('upgrade')?.toLowerCase() === 'websocket') throw websocketElsewhere();
    if (hasBody(c)) throw new ProblemError('INVALID_PARAMETER', 'A stream takes no body.', { field: 'body' });
    const request = {
      organizationId,
      since: sinceOf(c),
      authorization: streamAuthorizationOf(c),
      headers: Object.fromEntries(c.res.headers),
    };
    await openStream(deps, request, c.env.outgoing as ServerResponse);
    return hijackedResponse(c);
  });
  return routes;
}

function websocketElsewhere(): ProblemError {
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
  authorization: StreamAuthorization;
  /** What middleware has put on the answer. */
  headers: Record<string, string>;
}

async function openStream(deps: SseDeps, request: StreamRequest, response: ServerResponse) {
  const { organizationId, since, authorization, headers } = request;
  const plans = new Map([[organizationId, { since, folded: false }]]);
  let stream: SseConnection | undefined;
  await waitForSocket(response);
  // News that come before the stream has begun are not lost: beginning marks the watch dirty.
  const [whole] = await deps.hub.subscribe(plans, () => stream?.news());
  const { socket } = response;
  // No socket: the request was sent behind another one that is still being answered. A stream needs its own.
  if (whole === undefined || socket === null || response.destroyed) {
    response.destroy();
    // Node tells nobody of an answer that never had its turn.
    response.emit('close');
    return whole?.end();
  }
  const subscriber = guardSubscriber(whole, authorization);
  const first = `retry: 2000\n\n${encodeNotice(hello(subscriber, deps.hub.mode))}`;
  stream = new SseConnection(
    deps,
    subscriber,
    authorization,
    new SseSocket(response, socket, { headers, first }),
  );
  stream.news();
}

/** How long an answer may wait for the one before it on the same connection. */
const WAIT_FOR_SOCKET_MS = 1_000;

/** A browser asks anew on a connection when the answer before is not quite over here: the turn comes in a moment, or never. */
async function waitForSocket(response: ServerResponse): Promise<void> {
  if (response.socket !== null) return;
  await new Promise<void>((resolve) => {
    const limit = setTimeout(resolve, WAIT_FOR_SOCKET_MS);
    response.once('socket', () => {
      clearTimeout(limit);
      resolve();
    });
  });
}

/** In its documented form while nudges arrive; it says so when streams live on polling. */
function hello(subscriber: Subscriber, mode: Hub['mode']) {
  return {
    v: PROTOCOL_VERSION,
    type: 'hello',
    organization_id: subscriber.organizationId,
    head: formatCursor(subscriber.epoch, subscriber.head),
    recovered: subscriber.recovered,
    reason: subscriber.reason,
    heartbeat_ms: HEARTBEAT_MS,
    ...(mode === 'poll' && { live: mode }),
  };
}
