/** The ops console in a real browser. */

import { describe, expect, vi } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { holdPage } from '../support/held-page.ts';
import { putJson, startTestServer } from '../support/server.ts';
import { test } from './support/test.ts';

describe('the ops console', () => {
  test('shows organizations running over one WebSocket', async ({ databaseUrl, page, journal }) => {
    const organizations = [123, 124, 125];
    const server = await startTestServer(databaseUrl, { organizations, patients: 300, latencyMs: 300 });
    const letGo = holdPage(server, 3);
    await page.goto(`${server.url}/ops`);
    await page.locator('.badge[data-connection="live"]').waitFor();

    for (const id of organizations) await server.api(`/cliniko/sync-all/${id}`, { method: 'POST' });
    await Promise.all(
      organizations.map((id) =>
        page.locator(`tr[data-organization="${id}"][data-status="running"]`).waitFor(),
      ),
    );
    await page.getByRole('progressbar', { name: 'Progress of Clinic 124' }).waitFor();
    letGo();
    await Promise.all(
      organizations.map((id) =>
        page.locator(`tr[data-organization="${id}"][data-status="completed"]`).waitFor(),
      ),
    );
    const row = page.locator('tr[data-organization="125"]');
    expect(await row.textContent()).toContain('300 / 300 patients');
    expect(journal.requests.filter((url) => url.startsWith('ws'))).toEqual([
      `${server.url.replace('http', 'ws')}/api/v1/cliniko/ws?organizations=*`,
    ]);
    expect(journal.consoleErrors).toEqual([]);
  });

  test('shows a new name of a clinic in the list and in the events', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { patients: 30 });
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await page.goto(`${server.url}/ops`);
    const event = page.locator('.tail-lines li').first();
    await event.getByRole('link', { name: 'Clinic 123' }).waitFor();
    await page.locator('tr[data-organization="123"][data-status="completed"]').waitFor();
    await putJson(server.api, '/organizations/123', { name: 'Harbour Street' });
    // The end of a run makes the page read the clinics again.
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await page.locator('tr[data-organization="123"]', { hasText: 'Harbour Street' }).waitFor();
    await event.getByRole('link', { name: 'Harbour Street' }).waitFor();
    expect(await page.getByRole('link', { name: 'Clinic 123' }).count()).toBe(0);
  });

  test('lists failed organizations first, and filters by keyboard', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { organizations: [1, 2, 30] });
    await page.goto(`${server.url}/ops`);
    const rows = page.locator('tbody tr');
    for (const id of [1, 30]) {
      await server.api(`/cliniko/sync-all/${id}`, { method: 'POST' });
      await page.locator(`tr[data-organization="${id}"][data-status="completed"]`).waitFor();
    }
    server.cliniko.behaviour.access = 'unauthorised';
    await server.api('/cliniko/sync-all/2', { method: 'POST' });
    await page.locator('tr[data-organization="2"][data-status="failed"]').waitFor();
    expect(await rows.first().textContent()).toContain('Invalid Cliniko credentials');

    await page.keyboard.press('/');
    await page.keyboard.type('clinic 3');
    await vi.waitFor(async () => expect(await rows.count()).toBe(1));
    await page.getByText('1 of 3 organizations').waitFor();
    await page.keyboard.press('Escape');
    await vi.waitFor(async () => expect(await rows.count()).toBe(3));

    await page.getByRole('button', { name: 'Failed 1' }).click();
    await vi.waitFor(async () => expect(await rows.count()).toBe(1));
  });

  test('says that nothing has happened only once it has read the events', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { organizations: [9] });
    const events = page.locator('.tail');
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await page.route('**/api/v1/runs?*', (route) => held.then(() => route.continue()));
    await page.goto(`${server.url}/ops`);
    await events.getByText('Looking for events').waitFor();
    letGo();
    await events.getByText('Nothing has happened').waitFor();

    await page.unroute('**/api/v1/runs?*');
    await page.route('**/api/v1/runs?*', (route) => route.abort());
    await page.reload();
    await events.getByText('Earlier events could not be read').waitFor();
    await server.api('/cliniko/sync-all/9', { method: 'POST' });
    await page.locator('.tail-lines li', { hasText: 'Completed, 648 patients' }).waitFor();
  });

  test('shows events, health and throughput, and sorts by its headings', async ({ databaseUrl, page }) => {
    const port = await freePort();
    const server = await startTestServer(databaseUrl, { organizations: [9, 10], config: { port } });
    await page.goto(`${server.url}/ops`);
    await page.locator('.badge[data-connection="live"]').waitFor();
    await page.locator('.light[data-tone="good"]', { hasText: 'Listener' }).waitFor();
    await server.api('/cliniko/sync-all/9', { method: 'POST' });
    await page.locator('.tail-lines li', { hasText: 'Completed, 648 patients' }).waitFor();
    await vi.waitFor(async () => {
      const rate = await page.locator('.throughput-rate strong').textContent();
      expect(Number(rate?.replace(',', ''))).toBeGreaterThan(0);
    });

    const names = () => page.locator('.ops-name a').allTextContents();
    expect(await names()).toEqual(['Clinic 10', 'Clinic 9']);
    await page.getByRole('button', { name: 'Clinic', exact: true }).click();
    await vi.waitFor(async () => expect(await names()).toEqual(['Clinic 9', 'Clinic 10']));
    expect(
      await page.getByRole('columnheader', { name: 'Clinic', exact: true }).getAttribute('aria-sort'),
    ).toBe('ascending');
    await server.stop();
    await page.locator('.light[data-tone="bad"]', { hasText: 'does not answer' }).waitFor();
  });

  test('polls the health again as soon as the connection changes, even with a request pending', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl);
    let asked = 0;
    await page.route('**/readyz', (route) => {
      asked += 1;
      // The first is never answered.
      return asked === 1 ? undefined : route.continue();
    });
    // The page does not abort it either, however long this takes.
    await page.addInitScript(() => {
      AbortSignal.timeout = () => new AbortController().signal;
    });
    await page.goto(`${server.url}/ops`);
    await page.locator('.badge[data-connection="live"]').waitFor();
    await page.locator('.light[data-tone="good"]', { hasText: 'Server' }).waitFor();
  });
});
