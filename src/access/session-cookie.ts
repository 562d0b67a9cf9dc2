/**
 * The cookie of a session, and the requests that may use it: those of our own pages.
 *
 * A browser adds the cookie to a request whichever page sends it. `SameSite=Strict` keeps it out of requests of other sites.
 * The check here also refuses other origins of the same site, and browsers that ignore the attribute: a request that the cookie
 * authenticates must show by `Sec-Fetch-Site` or `Origin` that a page of this origin sent it. `ALLOWED_ORIGINS` does not
 * count: pages of those origins use tokens.
 */
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { isRead } from '../http/is-read.ts';
import { ProblemError } from '../http/problem.ts';
import { isLoopbackAddress, isOwn } from './same-origin.ts';

const NAME = 'patient-sync-session';
/** Browsers store the first two only from https, and the first only for the whole host. */
export type Prefix = '__Host-' | '__Secure-' | '';

export interface SessionCookie {
  secret: string;
  prefix: Prefix;
}

/**
 * Reads only the names that this server sets. A browser also sends a server below a BASE_PATH the `__Host-` cookie of a server
 * at the root of the same host, whose session is unknown here.
 */
export function sessionCookieOf(c: Context, basePath: string): SessionCookie | undefined {
  if (c.req.header('cookie') === undefined) return undefined;
  const prefixes: Prefix[] = isOverHttps(c) ? [securePrefix(basePath)] : [securePrefix(basePath), ''];
  for (const prefix of prefixes) {
    const secret = getCookie(c, `${prefix}${NAME}`);
    if (secret !== undefined) return { secret, prefix };
  }
  return undefined;
}

/**
 * Whether the browser uses https. Then only the name with a prefix counts: another host of the domain can have set the other one,
 * with a session of its own account.
 */
function isOverHttps({ req }: Context): boolean {
  const [origin, host = ''] = [req.header('origin'), req.header('host')];
  // Of a page of another origin nothing follows: the check below refuses it.
  if (origin !== undefined) return origin.startsWith('https:') && isOwn(origin, host);
  // Browsers send it over https, and without https only to their own machine.
  return req.header('sec-fetch-site') !== undefined && !LOCAL_HOST.test(host) && !isLoopbackAddress(host);
}

const LOCAL_HOST = /\.localhost(:\d{1,5})?$/i;

/**
 * Over https the name forbids that another host, or a page without https, sets this cookie.
 *
 * @param origin of the page, which says whether the browser uses https: this server only sees the proxy's request
 */
export function prefixFor(origin: string, basePath: string): Prefix {
  return origin.startsWith('https:') ? securePrefix(basePath) : '';
}

export const securePrefix = (basePath: string) => (basePath === '' ? '__Host-' : '__Secure-');

export function storeSessionCookie(
  c: Context,
  { secret, prefix }: SessionCookie,
  { basePath, expires }: { basePath: string; expires: Date },
): void {
  const maxAge = Math.max(0, Math.floor((expires.getTime() - Date.now()) / 1_000));
  setCookie(c, `${prefix}${NAME}`, secret, { ...attributes(prefix, basePath), maxAge });
}

export function removeSessionCookie(c: Context, { prefix }: SessionCookie, basePath: string): void {
  deleteCookie(c, `${prefix}${NAME}`, attributes(prefix, basePath));
}

const attributes = (prefix: Prefix, basePath: string) => ({
  path: basePath === '' ? '/' : basePath,
  httpOnly: true,
  sameSite: 'Strict' as const,
  secure: prefix !== '',
});

/** @throws ProblemError ORIGIN_NOT_ALLOWED */
export function requireOwnPage(c: Context): void {
  if (isOwnPage(c)) return;
  throw new ProblemError(
    'ORIGIN_NOT_ALLOWED',
    'A session is accepted only from the pages of this server. Other pages and programs send Authorization: Bearer … with a token.',
  );
}

function isOwnPage({ req }: Context): boolean {
  const [origin, site] = [req.header('origin'), req.header('sec-fetch-site')];
  if (origin !== undefined && !isOwn(origin, req.header('host'))) return false;
  // Every browser sends the origin of a WebSocket.
  if (req.header('upgrade')?.toLowerCase() === 'websocket') return origin !== undefined;
  // `none`: an address that the person typed, such as that of a CSV file. Without https browsers leave the header out.
  if (site !== undefined) return site === 'same-origin' || (site === 'none' && isRead(req.method));
  return origin !== undefined || isRead(req.method);
}
