/**
 * The streams of one organization as Server-Sent Events: `GET …/sync-logs/:orgId/events` has the events of its runs, and
 * `GET …/patients/:orgId/changes/stream` the changes of its patients.
 *
 * Not here: how a stream opens (open-stream.ts), the open stream (sse-connection.ts).
 */
import { type Context, Hono } from 'hono';
import { hijackedResponse } from '../../http/hijacked-response.ts';
import type { NodeContext, NodeRoutes } from '../../http/node-context.ts';
import { pathId } from '../../http/parameters.ts';
import { ProblemError } from '../../http/problem.ts';
import type { QueuedResponse } from '../../http/queued-response.ts';
import type { ChangeFeed } from '../change-feed.ts';
import { type StreamAuthorization, streamAuthorizationOf } from '../stream-authorization.ts';
import type { Subscriber } from '../subscriber.ts';
import { openStream } from './open-stream.ts';
import type { SseDeps } from './sse-connection.ts';
import { SSE_HEADERS } from './sse-socket.ts';

export interface SseRouteDeps extends SseDeps {
  changeFeed: ChangeFeed;
}

interface Wanted {
  organizationId: number;
  /** The client's last cursor, unparsed; undefined on a fresh connection. */
  since: string | undefined;
  authorization: StreamAuthorization;
}

type Subscribe = (wanted: Wanted) => Promise<Subscriber | undefined>;

export function sseRoutes(deps: SseRouteDeps): NodeRoutes {
  const { hub, changeFeed } = deps;
  const routes: NodeRoutes = new Hono();
  const events: Subscribe = async ({ organizationId, since, authorization }) => {
    const requests = new Map([[organizationId, { since, folded: false, authorization }]]);
    const [subscriber] = await hub.subscribe(requests);
    return subscriber;
  };
  routes.get('/sync-logs/:orgId/events', (c) => answer(deps, c, events));
  routes.get('/patients/:orgId/changes/stream', (c) => answer(deps, c, changeFeed.subscribe));
  return routes;
}

async function answer(deps: SseDeps, c: NodeContext, subscribe: Subscribe): Promise<Response> {
  const wanted = { organizationId: pathId(c, 'orgId'), since: sinceOf(c) };
  if (c.req.method === 'HEAD') return headOfStream(c);
  if (c.req.header('upgrade')?.toLowerCase() === 'websocket') throw websocketElsewhere();
  if (hasBody(c)) throw new ProblemError('INVALID_PARAMETER', 'A stream takes no body.', { field: 'body' });
  const authorization = streamAuthorizationOf(c);
  const request = { authorization, headers: Object.fromEntries(c.res.headers) };
  await openStream(deps, request, c.env.outgoing as QueuedResponse, () =>
    subscribe({ ...wanted, authorization }),
  );
  return hijackedResponse(c);
}

/** One by one: of headers that a middleware has set, those of the response would be dropped. */
function headOfStream(c: Context): Response {
  for (const [name, value] of Object.entries(SSE_HEADERS)) c.header(name, value);
  return c.body(null, 200);
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
