/**
 * CORS: pages of the origins in `ALLOWED_ORIGINS` may use the API with their tokens. They cannot use the cookie of a session
 * (session-cookie.ts).
 */
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';

const PREFLIGHT_MAX_AGE_SECONDS = 600;

export function allowOrigins(allowed: readonly string[]): MiddlewareHandler {
  const origins = new Set(allowed);
  const grant = cors({
    origin: [...allowed],
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    allowHeaders: [
      'authorization',
      'content-type',
      'idempotency-key',
      'if-none-match',
      'last-event-id',
      'x-request-id',
      // Panels of the old service send these with every call.
      'accept',
      'x-requested-with',
      'x-organization-id',
    ],
    exposeHeaders: [
      // A page counts down to times of this server.
      'date',
      'etag',
      'retry-after',
      'x-request-id',
      'idempotent-replayed',
      // The next page of a CSV.
      'link',
      'x-ratelimit-limit',
      'x-ratelimit-remaining',
      'x-ratelimit-reset',
    ],
    maxAge: PREFLIGHT_MAX_AGE_SECONDS,
  });
  return async (c, next) => {
    // A response cached for one origin must not be used for another.
    if (origins.size > 0) c.res.headers.append('vary', 'Origin');
    return origins.has(c.req.header('origin') ?? '') ? grant(c, next) : next();
  };
}
