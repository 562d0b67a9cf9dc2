/** `useSyncProgress` and `<SyncProgress>` in a React page, in a real browser, against a real server and a simulated Cliniko. */
import { describe, expect, vi } from 'vitest';
import { holdPage } from '../support/held-page.ts';
import { startTestServer } from '../support/server.ts';
import { buildActivityPage } from './support/activity-page.ts';
import { embedOn } from './support/embed-page.ts';
import { buildHookPage } from './support/hook-page.ts';
import { test } from './support/test.ts';

const HTML =
  '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><div id="root"></div><script src="/hook-page.js"></script>';

describe('useSyncProgress', () => {
  test('starts a sync and shows it to its end, without polling', async ({ databaseUrl, page, journal }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 100 });
    const letGo = holdPage(server, 7);
    const script = await buildHookPage();
    await page.route('**/hook-page', (route) => route.fulfill({ contentType: 'text/html', body: HTML }));
    await page.route('**/hook-page.js', (route) =>
      route.fulfill({ contentType: 'text/javascript', body: script }),
    );
    await page.goto(`${server.url}/hook-page`);
    await page.locator('[data-connection="live"][data-status="none"]').waitFor();
    // A browser that starts slowly may have polled until then.
    journal.requests.length = 0;
    await page.getByRole('button', { name: 'Start' }).click();
    await page.locator('#step', { hasText: /page \d+\/7/ }).waitFor();
    letGo();
    await page.locator('[data-status="completed"]').waitFor();
    expect(await page.getByRole('progressbar', { name: 'Sync' }).getAttribute('value')).toBe('100');
    expect(await page.locator('#step').textContent()).toBe('✅ Sync completed! 648 patients updated');
    expect(journal.requests.filter((url) => url.includes('limit=1'))).toEqual([]);
    expect(journal.consoleErrors).toEqual([]);

    // Another organization begins without the previous state, and shows the server's answer.
    await page.getByRole('button', { name: 'Other' }).click();
    await page.locator('[data-org="124"][data-connection="live"][data-status="none"]').waitFor();
    await page.getByRole('button', { name: 'Start' }).click();
    await vi.waitFor(async () =>
      expect(await page.locator('#problem').textContent()).toContain('Organization 124 is not registered.'),
    );
  });
});

describe('<SyncProgress>', () => {
  test('has no connection while its page is hidden, and reports the end of a run when it is shown again', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 100 });
    const letGo = holdPage(server, 7);
    const script = await buildActivityPage();
    await page.route('**/hook-page', (route) => route.fulfill({ contentType: 'text/html', body: HTML }));
    await page.route('**/hook-page.js', (route) =>
      route.fulfill({ contentType: 'text/javascript', body: script }),
    );
    await page.goto(`${server.url}/hook-page`);
    const element = embedOn(page);
    await element.isConnected('live');
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    const status = page.locator('#status');
    await status.filter({ hasText: 'running' }).waitFor();

    const streamEnded = page.waitForEvent('requestfailed', (request) => request.url().includes('/events'));
    await page.getByRole('button', { name: 'Navigate' }).click();
    await streamEnded;
    letGo();
    await vi.waitFor(async () => {
      const { logs } = await (await server.api('/cliniko/sync-logs/123')).json();
      expect(logs[0].status).toBe('completed');
    });
    await page.getByRole('button', { name: 'Navigate' }).click();
    await status.filter({ hasText: 'completed' }).waitFor();
    expect(journal.consoleErrors).toEqual([]);
  });
});
