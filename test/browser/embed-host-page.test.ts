/** `<sync-progress>` in pages that change around it, and in browsers that lack what it uses. */
import type { Page } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import type { SyncProgressElement } from '../../web-client/src/embed/sync-progress-element.ts';
import { OURS, startGuardedServer } from '../access/support/guarded-server.ts';
import { holdPage } from '../support/held-page.ts';
import { startTestServer } from '../support/server.ts';
import { buildScript } from './support/build-script.ts';
import { embedHtml, embedOn, openOwnPage } from './support/embed-page.ts';
import { test } from './support/test.ts';

/** As a React application uses the tag: a new function with each render, and a state that renders with each event. */
const PANEL = `
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

function Panel() {
  const [detail, setDetail] = useState(null);
  const getStreamToken = async () => (await (await fetch('/token', { method: 'POST' })).json()).token;
  return (
    <div data-percent={detail?.percent}>
      <sync-progress org="${OURS}" getStreamToken={getStreamToken} onsync-change={(event) => setDetail(event.detail)} />
    </div>
  );
}
createRoot(document.getElementById('root')!).render(<Panel />);
`;

const countStreams = (page: Page) => {
  const opened: string[] = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.endsWith('/events')) opened.push(pathname);
  });
  return opened;
};

describe('the element in a page that changes', () => {
  test('keeps its stream when the page renders with each of its events', async ({ databaseUrl, page }) => {
    const server = await startGuardedServer(databaseUrl);
    const letGo = holdPage(server, 5);
    const script = await buildScript(PANEL);
    await page.route('**/panel', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<!doctype html><script src="${server.url}/embed/sync-progress.js"></script><div id="root"></div><script src="panel.js"></script>`,
      }),
    );
    await page.route('**/panel.js', (route) =>
      route.fulfill({ contentType: 'text/javascript', body: script }),
    );
    await page.route('**/token', async (route) => {
      const token = await server.token();
      const body = JSON.stringify({ organizations: [OURS] });
      const answer = await server.as(token, '/stream-tokens', { method: 'POST', body });
      await route.fulfill({ contentType: 'application/json', body: await answer.text() });
    });
    const streams = countStreams(page);
    await page.goto(`${server.url}/panel`);
    await embedOn(page).isConnected('live');
    await server.as(server.admin, `/cliniko/sync-all/${OURS}`, { method: 'POST' });
    await embedOn(page).hasStatus('running');
    letGo();
    await page.locator('[data-percent="100"]').waitFor();
    expect(streams).toHaveLength(1);
  });

  test('asks a server that refuses it a few times while the page renders often, and then with the new token', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startGuardedServer(databaseUrl);
    const embed = await openOwnPage(page, server.url, OURS);
    await embed.isConnected('offline');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    const token = await server.token();
    await page.locator('sync-progress').evaluate(async (element, later) => {
      for (let render = 0; render < 100; render += 1) {
        Object.assign(element, { getToken: async () => 'none' });
        await new Promise((resolve) => setTimeout(resolve));
      }
      Object.assign(element, { getToken: async () => later });
    }, token);
    expect(asked.length).toBeLessThan(50);
    await embed.isConnected('live');
  });

  test('keeps its stream and its run when it is moved, and ends both when it is removed', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl);
    const letGo = holdPage(server, 5);
    const streams = countStreams(page);
    const embed = await openOwnPage(page, server.url);
    await embed.isConnected('live');
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await embed.hasStatus('running');
    const connections = await page.locator('sync-progress').evaluate((element) => {
      const seen: string[] = [];
      Object.assign(globalThis, { ended: 0 });
      element.addEventListener('sync-change', (event) =>
        seen.push((event as CustomEvent).detail.connection.kind),
      );
      document.addEventListener('sync-end', () => Object.assign(globalThis, { ended: 1 }));
      document.body.append(element);
      return new Promise<string[]>((resolve) => setTimeout(() => resolve(seen)));
    });
    expect(connections.filter((kind) => kind !== 'live')).toEqual([]);
    await embed.hasStatus('running');
    letGo();
    await vi.waitFor(async () => expect(await page.evaluate(() => Reflect.get(globalThis, 'ended'))).toBe(1));
    expect(streams).toHaveLength(1);

    // The answer to a start arrives when the element is gone.
    const started = await page.locator('sync-progress').evaluate((element) => {
      const starting = (element as SyncProgressElement).startSync();
      element.remove();
      return starting.then(() => 'started', String);
    });
    expect(started).toBe('started');
    await vi.waitFor(async () => {
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      expect(metrics).toContain('patient_sync_connections{transport="sse"} 0');
    });
  });

  test('keeps its style in another document of the page', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    const embed = await openOwnPage(page, server.url);
    await embed.isConnected('live');
    const display = await page.locator('sync-progress').evaluate((element) => {
      // The frame has the policy of its page.
      const policy = document.createElement('meta');
      policy.httpEquiv = 'Content-Security-Policy';
      policy.content = "style-src 'none'";
      document.head.append(policy);
      const frame = document.body.appendChild(document.createElement('iframe'));
      frame.contentDocument?.body.append(element);
      const box = element.shadowRoot?.querySelector('.box');
      return box && frame.contentWindow?.getComputedStyle(box).display;
    });
    expect(display).toBe('grid');
  });

  test('begins each of its lines on the side on which the page does', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await page.addInitScript(() =>
      addEventListener('DOMContentLoaded', () => {
        document.documentElement.dir = 'rtl';
      }),
    );
    const embed = await openOwnPage(page, server.url);
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await embed.hasStatus('completed');
    const ends = await page.locator('sync-progress').evaluate((element) =>
      ['.label', '.text', '.step'].map((part) => {
        const range = document.createRange();
        range.selectNodeContents(element.shadowRoot?.querySelector(part) ?? element);
        return Math.round(range.getBoundingClientRect().right);
      }),
    );
    expect(new Set(ends).size, String(ends)).toBe(1);
    await page.locator('sync-progress').evaluate((element) => element.removeAttribute('org'));
    await embed.problem.filter({ hasText: 'must be the id' }).waitFor();
    expect(await embed.connection.isVisible()).toBe(false);
  });

  test('shows in forced colours that its button waits', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    const letGo = holdPage(server, 5);
    await page.emulateMedia({ forcedColors: 'active' });
    const embed = await openOwnPage(page, server.url);
    await page.locator('sync-progress').evaluate((element) => element.toggleAttribute('start', true));
    const start = page.getByRole('button', { name: 'Start sync' });
    const colour = () => start.evaluate((button) => getComputedStyle(button).color);
    const ready = await colour();
    await start.click();
    await embed.hasStatus('running');
    await vi.waitFor(async () => expect(await colour()).not.toBe(ready));
    letGo();
    await embed.hasStatus('completed');
    await vi.waitFor(async () => expect(await colour()).toBe(ready));
  });

  test('has a button only while the page wants one', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    const embed = await openOwnPage(page, server.url);
    await embed.isConnected('live');
    const element = page.locator('sync-progress');
    for (const [value, isThere] of [
      [undefined, false],
      [true, true],
      [undefined, false],
      [null, false],
    ] as const) {
      await element.evaluate((tag, start) => Object.assign(tag, { start }), value);
      expect(await element.evaluate((tag) => tag.hasAttribute('start')), String(value)).toBe(isThere);
    }
  });
});

test('the element is drawn in a browser without constructed style sheets and light-dark()', async ({
  databaseUrl,
  page,
}) => {
  const server = await startTestServer(databaseUrl);
  await page.addInitScript(() => {
    Reflect.deleteProperty(globalThis, 'CSSStyleSheet');
  });
  await page.route('**/sync-progress.js', async (route) => {
    const response = await route.fetch();
    const script = (await response.text()).replaceAll('light-dark(', 'no-such-function(');
    await route.fulfill({ response, body: script });
  });
  await page.route('**/bare-page', (route) =>
    route.fulfill({ contentType: 'text/html', body: embedHtml(server.url, 'org="123"') }),
  );
  await page.goto(`${server.url}/bare-page`);
  await server.api('/cliniko/sync-all/123', { method: 'POST' });
  await embedOn(page).hasStatus('completed');
  const colourOf = (part: string) =>
    page
      .locator(`sync-progress .${part}`)
      .evaluate((element) => getComputedStyle(element).getPropertyValue('background-color'));
  const none = 'rgba(0, 0, 0, 0)';
  expect([await colourOf('box'), await colourOf('bar'), await colourOf('fill')]).not.toContain(none);
});
