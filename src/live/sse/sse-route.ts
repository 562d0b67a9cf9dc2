/**
 * `GET …/sync-logs/:orgId/events`: the events of one organization as Server-Sent Events.
 *
 * Not here: the open stream (sse-connection.ts).
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
import { type StreamAuthorization, streamAuthorizationOf } from '../stream-authorization.ts';
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

/** A stream does not read a body, and Node would end the stream of a request with an incomplete one. */
function hasBody(c: Context): boolean {
  return c.req.header('transfer-encoding') !== undefined || Number(c.req.header('content-length') ?? 0) > 0;
}

/**
 * The most recent cursor wins: a browser sends the header when it reconnects, a polyfill then adds `lastEventId` to the URL,
 * and `since` is in the URL from the start.
 */
function sinceOf(c: Context): string | undefined {
  return c.req.header('last-event-id') || c.req.query('lastEventId') || c.req.query('since');
}

/** The parts of the request that the stream needs; the request itself is not kept. */
interface StreamRequest {
  organizationId: number;
  since: string | undefined;
  authorization: StreamAuthorization;
  /** The response headers from middleware. */
  headers: Record<string, string>;
}

async function openStream(deps: SseDeps, request: StreamRequest, response: ServerResponse) {
  const { organizationId, since, authorization, headers } = request;
  const requests = new Map([[organizationId, { since, folded: false, authorization }]]);
  let stream: SseConnection | undefined;
  await waitForSocket(response);
  // Events before the stream has started are not lost: `stream.news()` below marks the subscriber dirty.
  const [subscriber] = await deps.hub.subscribe(requests, () => stream?.news());
  const { socket } = response;
  // No socket: the request is pipelined behind another one. A stream needs its own connection.
  if (subscriber === undefined || socket === null || response.destroyed) {
    response.destroy();
    // Node emits no `close` for a response that never had a socket.
    response.emit('close');
    return subscriber?.end();
  }
  const first = `retry: 2000\n\n${encodeNotice(hello(subscriber, deps.hub.mode))}`;
  stream = new SseConnection(
    deps,
    subscriber,
    authorization,
    new SseSocket(response, socket, { headers, first }),
  );
  stream.news();
}

/** How long a response waits for the previous one on the same connection. */
const WAIT_FOR_SOCKET_MS = 1_000;

/** A browser may reuse a connection just before the previous response ends here: the socket comes soon, or never. */
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

/** In the documented form while nudges arrive; with `live: 'poll'` while events come from polling. */
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
