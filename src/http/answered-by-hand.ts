/**
 * What a route returns that has written to Node's response itself.
 *
 * The adapter's own `RESPONSE_ALREADY_SENT` holds only as long as no middleware has touched `c.res`: then hono copies it,
 * and the adapter takes the copy for an answer that is still to be written, after what was written already. A response
 * whose body was looked at once is copied with its mark.
 */

/** The name by which the adapter knows it. */
const MARK = 'x-hono-already-sent';

export function answeredByHand(): Response {
  const response = new Response(null, { headers: { [MARK]: 'true' } });
  void response.body;
  return response;
}
