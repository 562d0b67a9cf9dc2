/** What the dashboard shows after a failure, in the guide's words. */
import { describe, expect, vi } from 'vitest';
import { connectInTest } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { holdPage } from '../support/held-page.ts';
import { putJson, startTestServer } from '../support/server.ts';
import { isAccessible } from './support/axe.ts';
import { focusedText, isFocused, openDashboard } from './support/dashboard.ts';
import { holdAnswers } from './support/held-answers.ts';
import { test } from './support/test.ts';

describe('the dashboard', () => {
  test('shows the sync also when the settings of the clinic do not arrive', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await holdAnswers(page, /\/api\/v1\/organizations\//);
    const dashboard = await openDashboard(page, server.url);
    await dashboard.startFull.click();
    await dashboard.hasStatus('completed');
  });

  test('explains a wrong key, and a retry succeeds with the correct one', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.behaviour.access = 'unauthorised';
    const dashboard = await openDashboard(page, server.url);
    await dashboard.startFull.click();
    await dashboard.hasStatus('failed');
    expect(await page.locator('.run-errors').textContent()).toBe('No patient was read');
    const result = await dashboard.result.textContent();
    expect(result).toContain('Invalid Cliniko credentials. Please update your API settings.');
    expect(result).toContain('Cliniko API authentication failed: Invalid API key');
    expect(await dashboard.announcer.textContent()).toContain('Invalid Cliniko credentials');

    server.cliniko.behaviour.access = 'allowed';
    await page.getByRole('button', { name: 'Try again' }).press('Enter');
    await dashboard.hasStatus('completed');
    expect(await focusedText(page)).toBe('Last sync: full sync completed');
  });

  test('says how a key without access to patients gets it, and offers another attempt', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.behaviour.access = 'forbidden';
    const dashboard = await openDashboard(page, server.url);
    await dashboard.startFull.click();
    await dashboard.hasStatus('failed');
    expect(await dashboard.result.textContent()).toContain(
      'Give the user of this API key access to patients',
    );
    await dashboard.result.getByRole('button', { name: 'Update API key' }).waitFor();
    server.cliniko.behaviour.access = 'allowed';
    await dashboard.result.getByRole('button', { name: 'Try again' }).click();
    await dashboard.hasStatus('completed');
  });

  test('reads the settings again when they could not be read, so that they open', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl);
    let isAnswering = false;
    await page.route('**/api/v1/organizations/123', (route) =>
      isAnswering ? route.continue() : route.abort(),
    );
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    const notice = page.getByRole('alert').filter({ hasText: 'The server cannot be reached.' });
    await notice.waitFor();
    isAnswering = true;
    await notice.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { level: 1, name: 'Clinic 123' }).waitFor();
    await notice.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('dialog', { name: 'Settings' }).waitFor();
  });

  test('forgets a refused start when a run arrives', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    await page.route('**/sync-all/123', (route) => route.abort());
    await dashboard.startFull.click();
    const refusal = page.getByRole('alert').filter({ hasText: 'Check your internet connection' });
    await refusal.waitFor();
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await dashboard.hasStatus('completed');
    expect(await refusal.count()).toBe(0);
  });

  test('says that it joined a sync only while that sync is active', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { patients: 300 });
    const letGo = holdPage(server, 2);
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    // Another client starts one while the answer to the press is under way.
    await page.route('**/sync-all/123', async (route) => {
      await server.api('/cliniko/sync-all/123', { method: 'POST' });
      await route.continue();
    });
    await dashboard.startFull.click();
    const joined = page.getByText('This sync was running already.');
    await joined.waitFor();
    letGo();
    await dashboard.hasStatus('completed');
    await joined.waitFor({ state: 'hidden' });
    expect(await page.locator('.run-note').textContent()).toMatch(/^Started /);
  });

  test('says that its clinic is not registered until it is registered again', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 30 });
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    expect((await server.api('/organizations/123', { method: 'DELETE' })).ok).toBe(true);
    await dashboard.startFull.click();
    const notice = page.getByRole('alert').filter({ hasText: 'Organization 123 is not registered.' });
    await notice.waitFor();
    // In another tab, to which the person went.
    await putJson(server.api, '/organizations/123', { name: 'Clinic 123' });
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await notice.waitFor({ state: 'hidden' });
  });

  test('reads its history again when the connection is back', async ({ databaseUrl, page }) => {
    const port = await freePort();
    const first = await startTestServer(databaseUrl, { config: { port, drainMs: 0 } });
    await page.route('**/sync-logs/123?*', (route) => route.abort());
    const dashboard = await openDashboard(page, first.url);
    await dashboard.isConnected('live');
    const history = page.locator('section', { has: page.getByRole('heading', { name: 'History' }) });
    await history.getByRole('alert').waitFor();
    await first.stop();
    await dashboard.isConnected('offline');
    await page.unroute('**/sync-logs/123?*');
    await startTestServer(databaseUrl, { cliniko: first.cliniko, config: { port } });
    await dashboard.isConnected('live');
    await history.getByText('No sync has run yet.').waitFor();
    expect(await history.getByRole('alert').count()).toBe(0);
  });

  test('says nothing about the syncs and patients of a clinic whose state could not be read', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl);
    await page.route(/sync-logs\/123|events/, (route) => route.abort());
    await page.routeWebSocket('**/api/v1/cliniko/ws', (socket) => void socket.close());
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('offline');
    await page.getByRole('heading', { name: 'Looking up the last sync' }).waitFor();
    expect(await page.locator('.run-errors').textContent()).toBe('\u00a0');
    expect(await page.locator('.sync-monitor .pill').count()).toBe(0);
    expect((await page.locator('.phase-text').allTextContents()).join('').trim()).toBe('');
  });

  test('counts the errors of a program that lists none', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs
      (organization_id, operation_type, status, started_at, completed_at, records_processed, records_success, records_failed)
      values (123, 'nightly', 'completed', now() - interval '9 seconds', now(), 10, 9, 1)`;
    const dashboard = await openDashboard(page, server.url);
    await dashboard.hasStatus('completed');
    expect(await page.locator('.run-errors').textContent()).toBe(
      '1 patient had an error, without a recorded reason',
    );
  });

  test('reads again what could not be read, and keeps the focus in place', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await page.route('**/sync-logs/123?*', (route) => route.abort());
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    const history = page.locator('section', { has: page.getByRole('heading', { name: 'History' }) });
    const again = history.getByRole('button', { name: 'Try again' });
    await again.waitFor();
    await page.unroute('**/sync-logs/123?*');
    await again.press('Enter');
    await again.waitFor({ state: 'detached' });
    expect(await focusedText(page)).toBe('History');
  });

  test('names a missing migration', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connectInTest(databaseUrl);
    await sql`alter table patients drop constraint patients_org_cliniko_patient_unique`;
    const dashboard = await openDashboard(page, server.url);
    await dashboard.startFull.click();
    await dashboard.hasStatus('failed');
    const result = await dashboard.result.textContent();
    expect(result).toContain('Database migration required. Contact support.');
    expect(result).toContain('db:migrate');
  });

  test('lists the patients that could not be stored, by id and reason', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await putJson(server.api, '/organizations/123', { validation: { phone: 'reject', email: 'require' } });
    const dashboard = await openDashboard(page, server.url);
    await dashboard.startFull.click();
    await dashboard.hasStatus('completed');
    expect(await dashboard.step.textContent()).toMatch(/^⚠️ 648 patients checked: \d+ new, \d+ not stored$/);
    await page.locator('.sync-monitor .progress-missed').waitFor();
    await page.locator('.phase[data-state="partial"]').filter({ hasText: 'Store' }).waitFor();
    await page.getByText(/^\d+ patients had errors/).click();
    await page
      .locator('.run-errors li', { hasText: /^Patient ID \d+: / })
      .first()
      .waitFor();
    await page.locator('.check-reasons li').first().waitFor();
    await page.locator('.runs .pill', { hasText: 'With errors' }).waitFor();
  });

  test('stays when a part of it cannot be loaded, and reloads on request', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const server = await startTestServer(databaseUrl);
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    await page.route('**/assets/settings-dialog*', (route) => route.abort());
    await page.getByRole('button', { name: 'Settings' }).click();
    const alert = page.getByRole('alert').filter({ hasText: 'could not be loaded' });
    await alert.waitFor();
    await isAccessible(page);
    await page.getByRole('button', { name: 'Close' }).click();
    await alert.waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Settings' }).click();
    await alert.waitFor();
    await page.unroute('**/assets/settings-dialog*');
    // The settings have an address, so they are open again.
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByRole('dialog', { name: 'Settings' }).waitFor();
    expect(journal.consoleErrors.filter((text) => !text.includes('ERR_FAILED'))).toEqual([]);
  });

  test('explains how to register an unknown organization', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const dashboard = await openDashboard(page, server.url, 77);
    await page.getByText('Organization 77 is not registered.').waitFor();
    await dashboard.startFull.click();
    expect(await page.locator('.not-registered').textContent()).toContain(
      `curl -X PUT ${server.url}/api/v1/organizations/77`,
    );
  });

  test('of the only clinic opens at once, and another one can be chosen', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await page.goto(`${server.url}/ops`);
    await page.getByRole('link', { name: 'Dashboard' }).click();
    await page.getByRole('heading', { name: 'Clinic 123' }).waitFor();
    // The page without a clinic is not in the history: Back does not lead into a circle.
    await page.goBack();
    await page.getByRole('heading', { name: 'All organizations' }).waitFor();
    await page.goForward();

    // The settings have an address: Back closes them.
    await page.getByRole('button', { name: 'Settings' }).click();
    const settings = page.getByRole('dialog', { name: 'Settings' });
    await settings.waitFor();
    expect(page.url()).toBe(`${server.url}/?org=123&settings=clinic`);
    await page.goBack();
    await settings.waitFor({ state: 'detached' });
    await page.goto(`${server.url}/?org=123&settings=key`);
    await vi.waitFor(async () => expect(await isFocused(page.getByLabel('Replace the key'))).toBe(true));
    await settings.getByRole('link', { name: 'choose or add one' }).click();
    await page.getByLabel('Organization id').fill('12x');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'whole number' }).waitFor();
    await page.getByLabel('Organization id').fill('123');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Clinic 123' }).waitFor();
  });
});
