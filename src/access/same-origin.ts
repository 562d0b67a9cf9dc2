/**
 * Protects a server without accounts (`AUTH=none`): only programs on this machine and its own pages may use it.
 *
 * Otherwise a foreign web page could reach it through a visitor's browser: with a DNS name that resolves to this machine
 * (DNS rebinding, so `Host` must be a loopback name), or by sending a write or opening a socket across origins.
 */
import type { MiddlewareHandler } from 'hono';
import { isRead } from '../http/is-read.ts';
import { ProblemError } from '../http/problem.ts';

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

export function isLoopbackAddress(host: string): boolean {
  return host === '::1' || LOOPBACK_HOST.test(host);
}

export function requireLoopbackHost(): MiddlewareHandler {
  return async (c, next) => {
    // A request without Host is a health check (http/hardening.ts); browsers always send one.
    const host = c.req.header('host');
    if (host && !LOOPBACK_HOST.test(host)) {
      throw new ProblemError(
        'HOST_NOT_ALLOWED',
        `Without accounts (AUTH=none) this server answers only to localhost, and the Host header is ${shown(host)}. Open it as http://localhost, or set AUTH=tokens.`,
      );
    }
    await next();
  };
}

/** Headers that proxies add. A local program that connects directly does not send them. */
const PROXY_HEADER =
  /^(forwarded|via|x-forwarded(-.+)?|x-original-(forwarded-for|host)|x-real-ip|cf-ray|x-envoy-.+|((x|true|fastly|cf|x-cluster)-)?(client|connecting)-ip)$/;

/** Behind a proxy every request seems to come from this machine, wherever it was sent from. */
export function refuseProxies(): MiddlewareHandler {
  return async (c, next) => {
    const header = Object.keys(c.req.header()).find((name) => PROXY_HEADER.test(name));
    if (header !== undefined) {
      throw new ProblemError(
        'PROXY_NEEDS_ACCOUNTS',
        `This request came through a proxy: it has the header ${shown(header)}. Without accounts (AUTH=none) only programs on this machine are answered. Set AUTH=tokens and create a token with "npm run tokens".`,
      );
    }
    await next();
  };
}

/** @param allowed other origins that may write, such as `https://admin.example.com` */
export function requireOwnOrigin(allowed: readonly string[]): MiddlewareHandler {
  return async (c, next) => {
    const origin = c.req.header('origin');
    const guarded = !isRead(c.req.method) || c.req.header('upgrade')?.toLowerCase() === 'websocket';
    // No Origin: not a browser, and such a client could send any header.
    if (
      guarded &&
      origin !== undefined &&
      !isOwn(origin, c.req.header('host')) &&
      !allowed.includes(origin)
    ) {
      throw originNotAllowed(origin, c.req.header('host') ?? '');
    }
    await next();
  };
}

/** The usual cause is a proxy that does not forward Host: the page is ours, but the request does not show it. */
function originNotAllowed(origin: string, host: string): ProblemError {
  return new ProblemError(
    'ORIGIN_NOT_ALLOWED',
    `The page is of the origin ${shown(origin)}, but the Host header is ${shown(host)}. Behind a proxy, pass the Host on with its port (nginx: "proxy_set_header Host $http_host;"). If the page is of another site, add its origin to ALLOWED_ORIGINS.`,
  );
}

/** Sent by the client, so it is shortened and reduced to one line. */
function shown(header: string): string {
  return header.slice(0, 100).replace(/[^\x21-\x7e]/g, '?');
}

/** Whether a page of this origin is one of this server, which is known to it as `host`. */
export function isOwn(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: wanted } = new URL(origin);
  // Both are parsed the same way, so that `sync.example:443` matches https://sync.example.
  const own = `${protocol}//${host}`;
  return URL.canParse(own) && new URL(own).host === wanted;
}
