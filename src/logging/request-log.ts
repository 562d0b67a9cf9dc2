/**
 * One line, one span and one count for each request: method, route pattern, status, duration, and the ids it goes by.
 *
 * The pattern (`/api/v1/cliniko/sync-logs/:orgId`), never the address: a query may hold a token, and each id would make
 * a series of its own. A stream counts when it has begun, not when it ends. The lines are of level debug: pages that
 * poll would bury the lines that people follow a sync by.
 */
import type { Context, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Logger } from './logger.ts';
import { NO_TRACER, type Tracer } from './tracer.ts';

export interface AnsweredRequest {
  method: string;
  route: string;
  status: number;
  seconds: number;
}

export function watchRequests(
  logger: Logger,
  onAnswered: (request: AnsweredRequest) => void,
  tracer: Tracer = NO_TRACER,
): MiddlewareHandler {
  return async (c, next) => {
    const began = performance.now();
    const method = METHODS.has(c.req.method) ? c.req.method : 'other';
    await tracer.span(
      method,
      { 'http.request.method': method },
      async (span) => {
        await next();
        const route = routePath(c);
        const seconds = (performance.now() - began) / 1_000;
        const request = { method, route, status: c.res.status, seconds };
        span.note({ 'http.route': route, 'http.response.status_code': request.status, ...runOf(c) });
        onAnswered(request);
        logger.debug({ ...request, ...idsOf(c) }, `${method} ${route} ${request.status}`);
      },
      c.req.header('traceparent'),
    );
  };
}

/** Otherwise any method that a client sends would become a label. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function idsOf(c: Context) {
  const requestId: unknown = c.get('requestId');
  return { ...(typeof requestId === 'string' && { request_id: requestId }), ...runOf(c) };
}

/** The run that the URL names, if that run may exist. */
function runOf(c: Context): Record<string, number> {
  const { orgId, id } = c.req.param() as Record<string, string | undefined>;
  return {
    ...(isId(orgId) && { organization_id: Number(orgId) }),
    ...(isId(id) && routePath(c).includes('/sync-logs/') && { sync_log_id: Number(id) }),
  };
}

const isId = (text: string | undefined): boolean => text !== undefined && /^[1-9][0-9]{0,9}$/.test(text);
