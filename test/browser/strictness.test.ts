/** What both pages promise everywhere: nothing from elsewhere, nothing against their own policy, room on every screen. */
import { describe, expect } from 'vitest';
import { putJson, startTestServer } from '../support/server.ts';
import { test } from './support/test.ts';

const PAGES = ['/?org=123', '/ops', '/'];

describe.each(PAGES)('%s', (path) => {
  test('asks nobody else, and keeps to its Content-Security-Policy', async ({
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
    if (path !== '/') await page.getByText('Completed').first().waitFor();
    await page.waitForLoadState('load');

    const { host } = new URL(server.url);
    expect(journal.requests.filter((url) => new URL(url).host !== host)).toEqual([]);
    expect(journal.troubles).toEqual([]);
  });

  test('never scrolls sideways, from a phone to a wall', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { patients: 60, organizations: [123, 2_000_000_000] });
    await putJson(server.api, '/organizations/123', {
      name: 'The Very Long Name of a Clinic in Woolloomooloo',
    });
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await page.goto(`${server.url}${path}`);
    if (path !== '/') await page.getByText('Completed').first().waitFor();
    server.cliniko.behaviour.access = 'unauthorised';
    await server.api('/cliniko/sync-all/2000000000', { method: 'POST' });
    if (path === '/ops') await page.getByText('Invalid Cliniko credentials').waitFor();
    for (const width of [320, 360, 640, 768, 1024, 1280, 1920, 3840]) {
      await page.setViewportSize({ width, height: 800 });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `at ${width} pixels`).toBeLessThanOrEqual(0);
    }
  });
});
