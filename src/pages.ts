/** The pages: the dashboard at `/`, the ops console at `/ops`. `npm ci` builds them (web-client/). */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { serveStatic } from '@hono/node-server/serve-static';
import { type Context, Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';

const BUILT = fileURLToPath(new URL('../web-client/dist', import.meta.url));

export function pageRoutes(): Hono {
  const routes = new Hono();
  routes.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
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
      // Only an https front has a say in this.
      strictTransportSecurity: false,
    }),
  );
  routes.get('/', (c) => page(c, 'index.html'));
  routes.get('/ops', (c) => page(c, 'ops.html'));
  if (existsSync(BUILT)) {
    // Their names hold a hash of their content, so they never change.
    const cached = (_path: string, c: Context) =>
      c.header('cache-control', 'public, max-age=31536000, immutable');
    routes.use('/assets/*', serveStatic({ root: BUILT, onFound: cached }));
  }
  return routes;
}

async function page(c: Context, name: string): Promise<Response> {
  try {
    const html = await readFile(`${BUILT}/${name}`, 'utf8');
    return c.html(html, 200, { 'cache-control': 'no-cache' });
  } catch {
    return c.text('The pages were not built. Run "npm run prepare" in the folder of this program.\n', 503);
  }
}
