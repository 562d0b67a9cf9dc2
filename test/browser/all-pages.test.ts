/**
 * The promises of all pages: no external resources, no violation of their own policy, small size, and a layout for
 * every screen.
 */
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { putJson, startTestServer } from '../support/server.ts';
import { test } from './support/test.ts';

const PAGES = ['/?org=123', '/?org=123&run=1', '/ops', '/'];

const seesARun = (page: Page, path: string) =>
  path === '/'
    ? page.locator('.registered-link').first().waitFor()
    : page.locator('.pill[data-pill="completed"]').first().waitFor();

describe.each(PAGES)('%s', (path) => {
  test('sends no request to other origins, and follows its Content-Security-Policy', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const server = await startTestServer(databaseUrl);
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    const answer = await page.goto(`${server.url}${path}`);
    const policy = answer?.headers()['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    await seesARun(page, path);
    await page.waitForLoadState('load');

    const { host } = new URL(server.url);
    expect(journal.requests.filter((url) => new URL(url).host !== host)).toEqual([]);
    expect(journal.consoleErrors).toEqual([]);
  });

  test('never scrolls sideways, from a phone to a wall display', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { patients: 60, organizations: [123, 2_000_000_000] });
    await putJson(server.api, '/organizations/123', {
      name: 'The Very Long Name of a Clinic in Woolloomooloo',
    });
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await page.goto(`${server.url}${path}`);
    await seesARun(page, path);
    server.cliniko.behaviour.access = 'unauthorised';
    await server.api('/cliniko/sync-all/2000000000', { method: 'POST' });
    if (path === '/ops') await page.getByText('Invalid Cliniko credentials').first().waitFor();
    for (const width of [320, 360, 640, 768, 1024, 1280, 1920, 3840]) {
      await page.setViewportSize({ width, height: 800 });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `at ${width} pixels`).toBeLessThanOrEqual(0);
    }
  });
});

const FIRST_LOAD_AT_MOST = 200_000;

test('the dashboard loads less than 200 KB, its font and its charts included', async ({
  databaseUrl,
  page,
}) => {
  const server = await startTestServer(databaseUrl);
  await server.api('/cliniko/sync-all/123', { method: 'POST' });
  const parts: Promise<[path: string, bytes: number]>[] = [];
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (pathname !== '/' && !pathname.startsWith('/assets/')) return;
    // A font is compressed already.
    parts.push(
      response.body().then((body) => [pathname, Math.min(body.length, gzipSync(body, { level: 9 }).length)]),
    );
  });
  await page.goto(`${server.url}/?org=123`);
  await page.locator('.plot svg').nth(2).waitFor();
  await page.evaluate(() => document.fonts.ready);
  const sizes = await Promise.all(parts);
  const kinds = new Set(sizes.map(([path]) => path.slice(path.lastIndexOf('.'))));
  expect([...kinds]).toEqual(expect.arrayContaining(['.js', '.css', '.woff2']));
  const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
  expect(total, JSON.stringify(sizes)).toBeLessThan(FIRST_LOAD_AT_MOST);
});
