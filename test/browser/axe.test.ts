/** The dashboard and the page of a run in every state, light and dark: axe finds nothing against WCAG 2.2 AA. */
import type { Page } from 'playwright-core';
import { describe } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { putJson, startTestServer, type TestServer } from '../support/server.ts';
import { isAccessible } from './support/axe.ts';
import { openDashboard } from './support/dashboard.ts';
import { test } from './support/test.ts';

async function startAndSee(server: TestServer, page: Page, status: 'running' | 'completed' | 'failed') {
  const dashboard = await openDashboard(page, server.url);
  await dashboard.startFull.click();
  await dashboard.hasStatus(status);
  return dashboard;
}

describe('the dashboard is accessible', () => {
  test('before the first sync, with its menu open, and with its settings open', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl);
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    await isAccessible(page);
    await page.getByRole('button', { name: 'Other syncs' }).click();
    await page.getByRole('menuitem').first().waitFor();
    await isAccessible(page);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('dialog').waitFor();
    await isAccessible(page);
  });

  test('while a sync runs, and while the cancel dialog is open', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.faults.onPage(5, { kind: 'hang' });
    const dashboard = await startAndSee(server, page, 'running');
    await dashboard.counter.filter({ hasText: '400 / 648' }).waitFor();
    await isAccessible(page);
    await page.getByRole('button', { name: 'Cancel sync' }).click();
    await page.getByRole('alertdialog').waitFor();
    await isAccessible(page);
  });

  test('while a run waits for Cliniko', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.faults.onPage(3, { kind: 'rate-limited', reset: 60 });
    await startAndSee(server, page, 'running');
    await page.locator('.countdown').waitFor();
    await isAccessible(page);
  });

  test('with errors, patients to check and charts, and on the run page', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await putJson(server.api, '/organizations/123', { validation: { phone: 'reject', email: 'require' } });
    await startAndSee(server, page, 'completed');
    await page.locator('.check-reasons li').first().waitFor();
    await page.locator('.plot svg').nth(2).waitFor();
    await isAccessible(page);
    await page.locator('.run-link').first().click();
    await page.getByRole('slider', { name: 'Moment of the run' }).waitFor();
    await isAccessible(page);
  });

  test('after a failure, and while the server is unreachable', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { config: { port: await freePort(), drainMs: 0 } });
    server.cliniko.behaviour.access = 'unauthorised';
    const dashboard = await startAndSee(server, page, 'failed');
    await isAccessible(page);
    await server.stop();
    await dashboard.isConnected('offline');
    await isAccessible(page);
  });

  test('for an unknown organization, and without an organization', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await openDashboard(page, server.url, 77);
    await page.getByText('Organization 77 is not registered.').waitFor();
    await isAccessible(page);
    await page.goto(`${server.url}/?org=`);
    await page.locator('.registered-link').waitFor();
    await isAccessible(page);
  });
});
