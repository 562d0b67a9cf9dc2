/** The dashboard in a real browser, against a real server and a simulated Cliniko. */
import { describe, expect, vi } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { holdLaterPages, holdPage } from '../support/held-page.ts';
import { startTestServer } from '../support/server.ts';
import { openDashboard, recordBar } from './support/dashboard.ts';
import { test } from './support/test.ts';

describe('a full sync on the dashboard', () => {
  test('is shown by the stream from the button to the totals', async ({ databaseUrl, page, journal }) => {
    const server = await startTestServer(databaseUrl, { config: { cliniko: { concurrency: 1 } } });
    const letEachGo = holdLaterPages(server);
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Clinic 123');
    await vi.waitFor(async () => expect(await dashboard.total('patients').textContent()).toBe('0'));

    // A browser that starts slowly may have polled until then.
    journal.requests.length = 0;
    const barValues = await recordBar(page);
    await dashboard.startFull.click();
    await dashboard.hasStatus('running');
    expect(await dashboard.startFull.getAttribute('aria-disabled')).toBe('true');
    await dashboard.step.filter({ hasText: /page \d+\/7/ }).waitFor();
    await letEachGo(barValues);

    await dashboard.hasStatus('completed');
    expect(await dashboard.bar.getAttribute('aria-valuenow')).toBe('100');
    expect(await dashboard.counter.textContent()).toBe('648 / 648 patients');
    expect(await dashboard.step.textContent()).toBe('✅ 648 patients checked: 648 new');
    expect(await dashboard.announcer.textContent()).toBe('Sync completed. 648 patients checked: 648 new.');
    await vi.waitFor(async () => expect(await dashboard.total('patients').textContent()).toBe('648'));

    const values = await barValues();
    expect(values).toEqual([...values].sort((one, other) => one - other));
    expect(values.length).toBeGreaterThan(5);
    expect(journal.requests.filter((url) => url.includes('limit=1'))).toEqual([]);
    expect(journal.consoleErrors).toEqual([]);
  });

  test('is shown by polling when both streams are refused', async ({ databaseUrl, page, journal }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 400 });
    const letGo = holdPage(server, 7);
    await page.route('**/events*', (route) => route.abort());
    await page.routeWebSocket('**/ws*', (socket) => socket.close());
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('polling');

    await dashboard.startFull.click();
    await dashboard.hasStatus('running');
    letGo();
    await dashboard.hasStatus('completed');
    expect(await dashboard.counter.textContent()).toBe('648 / 648 patients');
    await vi.waitFor(async () => expect(await dashboard.total('patients').textContent()).toBe('648'));
    expect(journal.requests.some((url) => url.endsWith('/sync-logs/123?limit=1'))).toBe(true);
  });

  test('started by another client appears without a reload', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    await server.api('/cliniko/sync-active/123', { method: 'POST' });
    await dashboard.hasStatus('completed');
    await page.getByRole('heading', { name: 'Last sync: active only completed' }).waitFor();
    await page.getByRole('row', { name: /Active only Completed/ }).waitFor();
  });
});

describe('a server that becomes unreachable', () => {
  test('is shown as offline, and streams again when it is back', async ({ databaseUrl, page }) => {
    const port = await freePort();
    const first = await startTestServer(databaseUrl, { config: { port, drainMs: 0 } });
    const dashboard = await openDashboard(page, first.url);
    await dashboard.isConnected('live');
    await first.stop();
    await dashboard.isConnected('offline');

    const second = await startTestServer(databaseUrl, { cliniko: first.cliniko, config: { port } });
    await dashboard.isConnected('live');
    await second.api('/cliniko/sync-all/123', { method: 'POST' });
    await dashboard.hasStatus('completed');
  });
});
