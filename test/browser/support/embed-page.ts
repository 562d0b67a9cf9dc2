/** Plain HTML pages with `<sync-progress>`: of the server's own origin, or of another one, such as an admin panel. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Locator, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

/** @param attributes of the tag */
export function embedHtml(serverUrl: string, attributes: string, head = ''): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Admin panel</title>
<link rel="icon" href="data:,">${head}
<script src="${serverUrl}/embed/sync-progress.js" async></script></head>
<body><main><h1>Our clinics</h1><sync-progress ${attributes}></sync-progress></main></body></html>`;
}

/** A web server with one page, on another origin than the server. */
export async function startForeignPage(): Promise<{
  origin: string;
  serve(html: string, headers?: Record<string, string>): void;
}> {
  let page = { html: '', headers: {} };
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html', ...page.headers });
    response.end(page.html);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    serve(html, headers = {}) {
      page = { html, headers };
    },
  };
}

/** Opens a page of the server's own origin. */
export async function openOwnPage(page: Page, serverUrl: string, organizationId = 123): Promise<EmbedPage> {
  await page.route('**/bare-page', (route) =>
    route.fulfill({ contentType: 'text/html', body: embedHtml(serverUrl, `org="${organizationId}"`) }),
  );
  await page.goto(`${serverUrl}/bare-page`);
  return embedOn(page);
}

export interface EmbedPage {
  box: Locator;
  bar: Locator;
  text: Locator;
  step: Locator;
  problem: Locator;
  connection: Locator;
  announcer: Locator;
  isOn(transport: 'sse' | 'websocket' | 'poll'): Promise<void>;
  hasStatus(status: 'running' | 'completed' | 'failed' | 'none'): Promise<void>;
  isConnected(kind: 'live' | 'polling' | 'offline'): Promise<void>;
  /** The values of the bar, in order, from now on. */
  recordBar(): Promise<() => Promise<number[]>>;
  /** The screen reader announcements, in order, from now on. */
  recordAnnouncements(): Promise<() => Promise<string[]>>;
}

export function embedOn(page: Page): EmbedPage {
  const part = (name: string) => page.locator(`sync-progress .${name}`);
  return {
    box: part('box'),
    bar: page.getByRole('progressbar', { name: 'Patient sync' }),
    text: part('text'),
    step: part('step'),
    problem: part('problem'),
    connection: part('connection'),
    announcer: part('announcer'),
    isOn: (way) => page.locator(`sync-progress .box[data-transport="${way}"]`).waitFor(),
    hasStatus: (status) => page.locator(`sync-progress .box[data-status="${status}"]`).waitFor(),
    isConnected: (kind) => page.locator(`sync-progress .box[data-connection="${kind}"]`).waitFor(),
    recordBar: async () => {
      const values = await record(page, '.bar', (bar) => bar.getAttribute('aria-valuenow'));
      return async () => (await values()).map(Number);
    },
    recordAnnouncements: () => record(page, '.announcer', (announcer) => announcer.textContent),
  };
}

async function record(
  page: Page,
  selector: string,
  read: (element: Element) => string | null,
): Promise<() => Promise<string[]>> {
  const name = `seen ${selector}`;
  await page.locator(`sync-progress ${selector}`).evaluate(
    (element, { reading, key }) => {
      const look: (element: Element) => string | null = new Function(`return ${reading}`)();
      const seen = [look(element)];
      new MutationObserver(() => {
        const value = look(element);
        if (seen.at(-1) !== value) seen.push(value);
      }).observe(element, { attributes: true, childList: true, characterData: true, subtree: true });
      Object.assign(globalThis, { [key]: seen });
    },
    { reading: String(read), key: name },
  );
  return () => page.evaluate((key) => Reflect.get(globalThis, key), name);
}
