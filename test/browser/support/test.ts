/** `test` with a page of a real Chromium, and a journal of all its errors. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { test as databaseTest } from '../../support/database.ts';
import { WAIT_LIMIT_MS } from '../../support/wait-limit.ts';
import { launchChromium } from './chromium.ts';

interface Journal {
  /** Errors and warnings of the console, uncaught errors, violations of the Content-Security-Policy. */
  consoleErrors: string[];
  /** Addresses of all requests, WebSockets too. */
  requests: string[];
}

interface Fixtures {
  browser: Browser;
  context: BrowserContext;
  page: Page;
  journal: Journal;
}

export const test = databaseTest.extend<Fixtures>({
  browser: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the dependencies of a fixture from this pattern.
    async ({}, use) => {
      const browser = await launchChromium();
      await use(browser);
      await browser.close();
    },
    { scope: 'worker' },
  ],
  context: async ({ browser }, use) => {
    const context = await browser.newContext({ locale: 'en-AU', timezoneId: 'Australia/Sydney' });
    context.setDefaultTimeout(WAIT_LIMIT_MS);
    await use(context);
    // A page may ask for something at its end, and the handler of a route that forwards it would fail when the page closes.
    const sources = [context, ...context.pages()];
    await Promise.all(sources.map((source) => source.unrouteAll({ behavior: 'ignoreErrors' })));
    await context.close();
  },
  page: async ({ context }, use) => {
    await use(await context.newPage());
  },
  journal: async ({ page }, use) => {
    const journal: Journal = { consoleErrors: [], requests: [] };
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        journal.consoleErrors.push(message.text());
    });
    page.on('pageerror', (error) => journal.consoleErrors.push(String(error)));
    page.on('request', (request) => journal.requests.push(request.url()));
    page.on('websocket', (socket) => journal.requests.push(socket.url()));
    await use(journal);
  },
});
