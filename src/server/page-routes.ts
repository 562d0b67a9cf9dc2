/**
 * The pages: the dashboard at `/`, the ops console at `/ops`, sign-in links at `/sign-in`, notifications at `/notifications`,
 * and the script of the element for other people's pages. `npm ci` builds them (web-client/).
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { serveStatic } from '@hono/node-server/serve-static';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { etag, RETAINED_304_HEADERS } from 'hono/etag';
import { NONCE, secureHeaders } from 'hono/secure-headers';

const BUILT = fileURLToPath(new URL('../../web-client/dist', import.meta.url));

const NOT_BUILT = 'The pages were not built. Run "npm run build" in the folder of this program.\n';

/** @param basePath `BASE_PATH`, '' at the root */
export function pageRoutes(basePath: string): Hono {
  const routes = new Hono();
  // Before the headers of the pages: pages of any origin load this script.
  routes.get(
    EMBED,
    asWhole,
    etag({ retainedHeaders: [...RETAINED_304_HEADERS, ...Object.keys(EMBED_HEADERS)] }),
    files(EMBED_HEADERS),
    (c) => c.text(NOT_BUILT, 503),
  );
  routes.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'", NONCE],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
      xFrameOptions: 'DENY',
      referrerPolicy: 'no-referrer',
      // Only a proxy that serves https may set it.
      strictTransportSecurity: false,
    }),
  );
  routes.get('/', (c) => page(c, 'index.html', basePath));
  routes.get('/ops', (c) => page(c, 'ops.html', basePath));
  routes.get('/notifications', (c) => page(c, 'notifications.html', basePath));
  routes.get('/sign-in', (c) => page(c, 'sign-in.html', basePath));
  // Their names contain a content hash, so they never change.
  routes.use('/assets/*', files({ 'cache-control': 'public, max-age=31536000, immutable', ...NEGOTIATED }));
  return routes;
}

/** Files of the build, compressed for clients that accept it (packaging/release/compressed-copies.ts). */
function files(headers: Record<string, string>): MiddlewareHandler {
  if (!existsSync(BUILT)) return (_c, next) => next();
  const serveFile = serveStatic({ root: BUILT, precompressed: true });
  return async (c, next) => {
    const answer = await serveFile(c, next);
    // Without such a file it is what `next` returns, which is no response.
    if (!(answer instanceof Response)) return;
    for (const [name, value] of Object.entries(headers)) answer.headers.set(name, value);
    return answer;
  };
}

/** Also of an answer that is not compressed: a shared cache would send it to all clients. */
const NEGOTIATED = { vary: 'Accept-Encoding' };

const EMBED = '/embed/sync-progress.js';

/** Holds nothing but code, so any page may load it. Its name never changes, so browsers request it again after some minutes. */
const EMBED_HEADERS = {
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
  'x-content-type-options': 'nosniff',
  'cache-control': 'public, max-age=300, stale-while-revalidate=86400',
  ...NEGOTIATED,
};

/** The ETag is made of the body: that of a part, and of the answer to HEAD, has to be that of the whole script. */
const asWhole: MiddlewareHandler = async ({ req }, next) => {
  const { raw } = req;
  const headers = new Headers(raw.headers);
  headers.delete('range');
  req.raw = new Request(req.url, { headers });
  await next();
  req.raw = raw;
};

/** The build refers to its files by `./assets/`, which means another folder in `/ops/` and in `/sync`. */
const withBasePath = (html: string, basePath: string): string =>
  html
    .replaceAll('href="/', `href="${basePath}/`)
    .replaceAll('"./assets/', `"${basePath}/assets/`)
    .replace('<head>', `<head><meta name="base-path" content="${basePath}">`);

/** Of the script inside the page (web-client/src/ui/load-again.ts). */
const withNonce = (html: string, c: Context): string =>
  html.replace('<script>', `<script nonce="${c.get('secureHeadersNonce') ?? ''}">`);

/** Whether a person followed an address: programs that call the API get a problem. */
export function asksForPage({ req }: Context): boolean {
  const isRead = req.method === 'GET' || req.method === 'HEAD';
  return isRead && !/^\/api(\/|$)/.test(req.path) && (req.header('accept') ?? '').includes('text/html');
}

export function unknownPage(c: Context, basePath: string): Promise<Response> {
  return page(c, 'not-found.html', basePath, 404);
}

type PageName = 'index.html' | 'ops.html' | 'sign-in.html' | 'notifications.html' | 'not-found.html';

async function page(
  c: Context,
  name: PageName,
  basePath: string,
  status: 200 | 404 = 200,
): Promise<Response> {
  try {
    const html = await readFile(`${BUILT}/${name}`, 'utf8');
    // Not stored at all: the browser's Back would show the patients of an account that has signed out.
    return c.html(withNonce(withBasePath(html, basePath), c), status, { 'cache-control': 'no-store' });
  } catch {
    return c.text(NOT_BUILT, 503);
  }
}
