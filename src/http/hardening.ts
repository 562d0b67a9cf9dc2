/**
 * Headers of every response, the time limit of a response, and the size limit of a request. Pages and API descriptions add
 * a policy of their own (server/page-routes.ts).
 */
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { withTimeout } from '../timing/with-timeout.ts';
import { unreadableAddress } from './malformed-request.ts';
import { ProblemError } from './problem.ts';

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
};

/** Set before the route runs: a stream writes its own head and copies them from here (live/sse/sse-route.ts). */
export function securityHeaders(): MiddlewareHandler {
  return async (c, next) => {
    for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
    if (c.req.path.startsWith('/api/')) {
      c.res.headers.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
      c.res.headers.set('cross-origin-resource-policy', 'same-origin');
      // Data of organizations, of patients too. Only answers with an ETag say otherwise, with `c.header`: hono keeps this value
      // when a route passes another one with its body.
      c.res.headers.set('cache-control', 'no-store');
    }
    await next();
  };
}

/** Load balancers request these in HTTP/1.0, which has no `Host`. */
const ANSWERED_WITHOUT_HOST = new Set(['/healthz', '/readyz', '/health']);

export function requireHost(): MiddlewareHandler {
  return async (c, next) => {
    if (!isReadable(c.req.url)) throw unreadableAddress();
    if (!c.req.header('host') && !ANSWERED_WITHOUT_HOST.has(c.req.path)) {
      const detail = 'The Host header is missing. Send the name of this server in it.';
      throw new ProblemError('INVALID_PARAMETER', detail, { field: 'host' });
    }
    await next();
  };
}

/** The adapter lets some addresses through of which no request can be made: of a host such as `1.2.3.4.5`, or with a user. */
function isReadable(url: string): boolean {
  return URL.canParse(url) && !USER.test(url);
}

const USER = /^\w+:\/\/[^/?#\\]*@/;

/** PostgreSQL stores no NUL character in text, and none of our fields needs one. Bodies: parameters.ts. */
export function refuseNulInAddress(): MiddlewareHandler {
  return async (c, next) => {
    const [path = '', query = ''] = c.req.url.split(/\?(.*)/s);
    if (NUL.test(path) || NUL.test(query)) {
      const named = query.split('&').find((part) => NUL.test(part));
      const field = named === undefined ? 'path' : (/^[\w-]{1,100}/.exec(named)?.[0] ?? 'query');
      throw new ProblemError('INVALID_PARAMETER', `"${field}" must not hold a NUL character.`, { field });
    }
    await next();
  };
}

const NUL = /%00/;

const WITHOUT_BODY = new Set(['GET', 'HEAD']);

/**
 * GET and HEAD are judged by their headers only, as no route reads their body: accessing the body creates a second request
 * object, which a stream keeps while it is open.
 */
export function limitBody(bytesAtMost: number): MiddlewareHandler {
  const refuse = (): never => {
    throw new ProblemError('BODY_TOO_LARGE', `A body may have at most ${bytesAtMost} bytes.`);
  };
  const limit = bodyLimit({ maxSize: bytesAtMost, onError: refuse });
  return (c, next) => {
    if (!WITHOUT_BODY.has(c.req.method)) return limit(c, next);
    if (Number(c.req.header('content-length') ?? 0) > bytesAtMost) refuse();
    return next();
  };
}

/** @param isStream responses that may stay open without a time limit */
export function limitAnswerTime(
  milliseconds: number,
  isStream: (path: string) => boolean,
): MiddlewareHandler {
  return async (c, next) => {
    if (isStream(c.req.path)) return next();
    await withTimeout(milliseconds, next(), () => {
      throw timeout();
    });
  };
}

function timeout(): ProblemError {
  return new ProblemError('REQUEST_TIMEOUT', 'The answer took too long. Try again in a moment.', {
    headers: { 'retry-after': '5' },
  });
}
