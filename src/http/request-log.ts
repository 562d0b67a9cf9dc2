/**
 * One line for each answer, at trace (debug belongs to the progress of syncs): who, which route, which status, how long, under which request id.
 *
 * The route is its pattern and never the address: addresses can hold stream tokens.
 */
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Logger } from '../logging/logger.ts';

export function logRequests(logger: Logger): MiddlewareHandler {
  return async (c, next) => {
    const begun = performance.now();
    await next();
    if (!logger.isLevelEnabled('trace')) return;
    logger.trace(
      {
        request_id: c.get('requestId'),
        actor: c.get('principal')?.actor,
        method: c.req.method,
        route: routePath(c, -1),
        status: c.res.status,
        ms: Math.round(performance.now() - begun),
      },
      'Answered',
    );
  };
}
