/**
 * The response of a route that has written to the connection itself.
 *
 * The adapter's own `RESPONSE_ALREADY_SENT` works only if no middleware has touched `c.res`: otherwise hono copies it, and
 * the adapter writes the copy after what was already written. A response whose body has been accessed once is copied
 * with its marker.
 */
import type { HttpBindings } from '@hono/node-server';
import type { NodeContext } from './node-context.ts';

/** The key by which the adapter recognizes it. */
const MARK = 'x-hono-already-sent';

/** The request stays readable until the current tick of the event loop ends; middleware has finished by then. */
export function hijackedResponse(c: NodeContext): Response {
  const response = new Response(null, { headers: { [MARK]: 'true' } });
  void response.body;
  setImmediate(releaseRequest, c.req.raw, c.env);
  return response;
}

const NO_HEADERS: HttpBindings['incoming']['headers'] = {};
const NO_RAW_HEADERS: string[] = [];

/** Node and the adapter keep a request as long as its response is open, which for a stream is long. */
function releaseRequest(request: Request, { incoming, outgoing }: HttpBindings): void {
  for (const key of Reflect.ownKeys(request)) Reflect.set(request, key, undefined);
  incoming.headers = NO_HEADERS;
  incoming.rawHeaders = NO_RAW_HEADERS;
  incoming.url = '';
  // The listener of the adapter holds the request. What outlives it is no listener (queued-response.ts).
  outgoing.removeAllListeners('close');
}
