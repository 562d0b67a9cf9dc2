/** The guide's React component, unchanged, against our server: existing users' code keeps working. */
import type { Page } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import { SyncLogList } from '#contract/sync-log.ts';
import { holdPage } from '../support/held-page.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { buildGuideComponent } from './support/guide-component.ts';
import { test } from './support/test.ts';

const HTML =
  '<!doctype html><meta charset="utf-8"><div id="root"></div><script src="/guide-page.js"></script>';

/** A page of the server's own origin, as an admin panel with the component would be. */
async function openGuidePage(page: Page, server: TestServer): Promise<void> {
  const script = await buildGuideComponent(123);
  await page.route('**/guide-page', (route) => route.fulfill({ contentType: 'text/html', body: HTML }));
  await page.route('**/guide-page.js', (route) =>
    route.fulfill({ contentType: 'text/javascript', body: script }),
  );
  await page.goto(`${server.url}/guide-page`);
}

/** The statuses of the answers to the component's polls, in order. */
function statusesSeen(page: Page): string[] {
  const statuses: string[] = [];
  page.on('response', async (response) => {
    if (!response.url().endsWith('/sync-logs/123?limit=1')) return;
    const { logs } = SyncLogList.parse(await response.json());
    statuses.push(logs[0]?.status ?? 'none');
  });
  return statuses;
}

describe("the guide's component", () => {
  test('starts a sync, shows its progress, and stops at its end', async ({ databaseUrl, page, journal }) => {
    const server = await startTestServer(databaseUrl);
    const { faults } = server.cliniko;
    holdPage(server, 1);
    const statuses = statusesSeen(page);
    await openGuidePage(page, server);

    await page.getByRole('button', { name: '🔄 Start Full Sync' }).click();
    await page.locator('.current-step', { hasText: 'Initializing...' }).waitFor();
    faults.clear();
    const letGo = holdPage(server, 5);
    faults.release();
    await page.locator('.current-step', { hasText: /Fetching from Cliniko \(page \d+\/7\)/ }).waitFor();
    await page.locator('.progress-text', { hasText: /[1-9]\d* \/ 648 patients\s*\(\d+\.\d%\)/ }).waitFor();
    const width = await page.locator('.progress-fill').evaluate((bar) => bar.getAttribute('style'));
    expect(width).toMatch(/^width: [1-9][\d.]*%;$/);

    letGo();
    await page.getByRole('button', { name: '🔄 Start Full Sync' }).waitFor();
    await vi.waitFor(() => expect(statuses.at(-1)).toBe('completed'));
    expect(statuses.slice(0, -1).every((status) => status === 'running')).toBe(true);
    expect(await (await server.api('/cliniko/patients/123/summary')).json()).toMatchObject({ total: 648 });
    expect(journal.consoleErrors).toEqual([]);
  });

  test('stops when the sync fails', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.behaviour.access = 'unauthorised';
    const statuses = statusesSeen(page);
    await openGuidePage(page, server);
    await page.getByRole('button', { name: '🔄 Start Full Sync' }).click();
    await page.locator('.progress-display').waitFor();
    await page.getByRole('button', { name: '🔄 Start Full Sync' }).waitFor();
    await vi.waitFor(() => expect(statuses.at(-1)).toBe('failed'));
  });
});
