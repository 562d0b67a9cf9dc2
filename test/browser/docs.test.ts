/** The page of the documents in a browser. */
import { describe, expect } from 'vitest';
import { startTestServer } from '../support/server.ts';
import { test } from './support/test.ts';

describe('/docs', () => {
  test('sends no request to other origins, follows its policy, and links an operation to its schema', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    await page.goto(`${server.url}/docs`);
    await page.getByRole('link', { name: 'SyncLogList' }).first().click();
    await page.locator('#schema-SyncLogList').waitFor();
    expect(new URL(page.url()).hash).toBe('#schema-SyncLogList');

    const { host } = new URL(server.url);
    expect(journal.requests.filter((url) => new URL(url).host !== host)).toEqual([]);
    expect(journal.consoleErrors).toEqual([]);
  });

  test('never scrolls sideways, from a phone to a wall display', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    await page.goto(`${server.url}/docs`);
    for (const width of [320, 640, 1280, 3840]) {
      await page.setViewportSize({ width, height: 800 });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(over, `${width} pixels`).toBeLessThanOrEqual(0);
    }
  });
});
