/**
 * Who may talk to a server without accounts (`AUTH=none`): programs on this machine, and pages that it served itself.
 *
 * A foreign web page could otherwise reach it through its visitor's browser: with a name that it lets point to this
 * machine (DNS rebinding, so `Host` must be a loopback name), or by sending a write or opening a socket across origins.
 */
import type { MiddlewareHandler } from 'hono';
import { ProblemError } from '../http/problem.ts';

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

export function isLoopbackAddress(host: string): boolean {
  return host === '::1' || LOOPBACK_HOST.test(host);
}

export function requireLoopbackHost(): MiddlewareHandler {
  return async (c, next) => {
    if (!LOOPBACK_HOST.test(c.req.header('host') ?? '')) {
      throw new ProblemError(
        'HOST_NOT_ALLOWED',
        'Without accounts (AUTH=none) this server answers only to localhost.',
      );
    }
    await next();
  };
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** @param allowed other origins that may write, such as `https://admin.example.com` */
export function requireOwnOrigin(allowed: readonly string[]): MiddlewareHandler {
  return async (c, next) => {
    const origin = c.req.header('origin');
    const guarded = !READS.has(c.req.method) || c.req.header('upgrade')?.toLowerCase() === 'websocket';
    // No Origin: not a browser. That is somebody who could send any header anyway.
    if (
      guarded &&
      origin !== undefined &&
      !isOwn(origin, c.req.header('host')) &&
      !allowed.includes(origin)
    ) {
      throw new ProblemError(
        'ORIGIN_NOT_ALLOWED',
        'Pages of this origin may not do this. Add it to ALLOWED_ORIGINS.',
      );
    }
    await next();
  };
}

function isOwn(origin: string, host: string | undefined): boolean {
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
