/**
 * What a route returns that has written to the connection itself.
 *
 * The adapter's own `RESPONSE_ALREADY_SENT` holds only as long as no middleware has touched `c.res`: then hono copies it,
 * and the adapter takes the copy for an answer that is still to be written, after what was written already. A response
 * whose body was looked at once is copied with its mark.
 */
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';

/** The name by which the adapter knows it. */
const MARK = 'x-hono-already-sent';

/** The request can be read until this turn of the loop ends; middleware is through with it then. */
export function hijackedResponse(c: Context<{ Bindings: HttpBindings }>): Response {
  const response = new Response(null, { headers: { [MARK]: 'true' } });
  void response.body;
  setImmediate(releaseRequest, c.req.raw, c.env.incoming);
  return response;
}

const NO_HEADERS: HttpBindings['incoming']['headers'] = {};
const NO_RAW_HEADERS: string[] = [];

/** Node and the adapter keep a request for as long as its answer is open, which for a stream is long. */
function releaseRequest(request: Request, incoming: HttpBindings['incoming']): void {
  for (const key of Reflect.ownKeys(request)) Reflect.set(request, key, undefined);
  incoming.headers = NO_HEADERS;
  incoming.rawHeaders = NO_RAW_HEADERS;
}
