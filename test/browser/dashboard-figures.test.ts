/** The dashboard shows no figure that is not a fact, moves nothing while the connection is lost, and never jumps. */
import type { Page, Route } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import { connectInTest } from '../support/database.ts';
import { holdPage } from '../support/held-page.ts';
import { startTestServer } from '../support/server.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';
import { openDashboard } from './support/dashboard.ts';
import { test } from './support/test.ts';

const factOf = (page: Page, term: string) =>
  page.locator('.sync-monitor .facts > div', { hasText: term }).locator('dd');

test('a page that is open over midnight shows of which day its run is', async ({ databaseUrl, page }) => {
  const server = await startTestServer(databaseUrl);
  await connectInTest(databaseUrl)`
    insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
    values (123, 'full_patients', 'completed', '2026-05-13 10:00', '2026-05-13 10:05')`;
  // In Sydney, a few seconds before the end of that day.
  await page.clock.install({ time: new Date('2026-05-13T13:59:50Z') });
  const dashboard = await openDashboard(page, server.url);
  await dashboard.isConnected('live');
  for (const place of ['.run-note', '.run-link'])
    await page.locator(place).filter({ hasText: '13 May, 8:00' }).waitFor();
});

test('a run that waits again and again is announced once for each quarter', async ({ databaseUrl, page }) => {
  const server = await startTestServer(databaseUrl);
  const sql = connectInTest(databaseUrl);
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at, metadata)
    values (123, 'full_patients', 'running', now() at time zone 'utc', '{"patients_found": 100}')`;
  const dashboard = await openDashboard(page, server.url);
  const report = async (stored: number, phase: string): Promise<void> => {
    await sql`update sync_logs set records_processed = ${stored}, records_success = ${stored}, metadata = metadata
      || jsonb_build_object('progress_percent', ${stored}::int, 'phase', ${phase}::text, 'waiting_reason', 'Waiting')`;
    await dashboard.counter.filter({ hasText: `${stored} / 100` }).waitFor();
  };
  await report(30, 'storing');
  expect(await dashboard.announcer.textContent()).toBe('Sync 25 percent done.');
  for (const [stored, phase] of [
    [31, 'waiting'],
    [32, 'storing'],
    [33, 'waiting'],
    [34, 'storing'],
  ] as const) {
    await report(stored, phase);
    expect(await dashboard.announcer.textContent()).toBe('Waiting');
  }
  await report(50, 'storing');
  expect(await dashboard.announcer.textContent()).toBe('Sync 50 percent done.');
});

describe('a run whose total is not known yet', () => {
  test('has no percentage, and nothing ticks while the connection is lost', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.faults.onPage(1, { kind: 'hang' });
    const network = await openTcpProxy(server.url);
    const dashboard = await openDashboard(page, new URL(network.url).origin);
    await dashboard.isConnected('live');
    await dashboard.startFull.click();
    // A run in the queue has the status running too.
    await page.getByRole('heading', { name: 'Full sync is running' }).waitFor();
    await vi.waitFor(async () =>
      expect(await dashboard.counter.textContent()).toMatch(/not counted yet|Counting/),
    );
    expect(await dashboard.bar.getAttribute('aria-valuenow')).toBeNull();
    expect(await page.locator('.percent').textContent()).toBe('–');
    expect(await page.locator('.sync-monitor').textContent()).not.toMatch(/0 (\/|of) 0|0\.0%/);

    // The server goes on: if it stopped, it could still say that the run is in the queue.
    network.refuse(true);
    await dashboard.isConnected('offline');
    const note = page.locator('.run-note');
    await note.filter({ hasText: /^As of \d+:\d\d:\d\d/ }).waitFor();
    await page.getByRole('heading', { name: 'Full sync was running' }).waitFor();
    expect(await factOf(page, 'Rate').textContent()).toBe('–');
    expect(await factOf(page, 'Time left').textContent()).toBe('–');
    expect(await page.locator('.sync-monitor').getAttribute('data-frozen')).toBe('true');
    expect(await page.title()).toMatch(/^Connection lost · /);
    const changes = await changesDuring(page, '.sync-monitor', 2_500);
    expect(changes).toEqual([]);
  });
});

describe('the start and the cancel button', () => {
  test('say at once that the sync starts, before the server has answered', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    const requests: Route[] = [];
    await page.route('**/sync-all/123', (route) => void requests.push(route));
    await dashboard.startFull.click();
    const starting = page.getByRole('button', { name: 'Starting…' });
    expect(await starting.getAttribute('aria-disabled')).toBe('true');
    expect(await page.getByRole('button', { name: 'Cancel sync' }).count()).toBe(0);
    await vi.waitFor(() => expect(requests).toHaveLength(1));
    for (const request of requests) await request.continue();
    await dashboard.hasStatus('completed');
    expect(await dashboard.startFull.getAttribute('aria-disabled')).toBe('false');
  });

  test('are never at the same place, and cancel does nothing for a second', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.faults.onPage(2, { kind: 'hang' });
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const dashboard = await openDashboard(page, server.url);
      await dashboard.isConnected('live');
      const before = await dashboard.startFull.boundingBox();
      await page.clock.install();
      await dashboard.startFull.click();
      const cancel = page.getByRole('button', { name: 'Cancel sync' });
      await cancel.waitFor();
      expect(await cancel.getAttribute('aria-disabled')).toBe('true');
      expect(await dashboard.startFull.boundingBox()).toEqual(before);
      const box = await cancel.boundingBox();
      expect(overlaps(before, box), `at ${width} pixels`).toBe(false);
      await page.clock.runFor(1_100);
      await cancel.click();
      await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel sync' }).click();
      await dashboard.hasStatus('failed');
      expect(await page.title()).toMatch(/^Cancelled · /);
    }
  });
});

describe.each([390, 1280])('at %d pixels', (width) => {
  test('the layout does not shift from the start of a sync to its end', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 100 });
    const letGo = holdPage(server, 7);
    await page.setViewportSize({ width, height: 800 });
    await page.addInitScript(() => {
      const shifts: unknown[] = [];
      Object.assign(globalThis, { shifts });
      new PerformanceObserver((list) =>
        shifts.push(...list.getEntries().map((entry) => entry.toJSON())),
      ).observe({
        type: 'layout-shift',
        buffered: true,
      });
    });
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    // Not by a click: shifts right after an input would not count.
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await dashboard.hasStatus('running');
    letGo();
    await dashboard.hasStatus('completed');
    await vi.waitFor(async () => expect(await dashboard.total('patients').textContent()).toBe('648'));
    expect(await page.title()).toMatch(/^Completed · /);
    // The icon of the tab has a dot in the colour of the end.
    const icon = await page.locator('link[rel="icon"]').getAttribute('href');
    expect(decodeURIComponent(icon ?? '')).toContain('fill="#15703a"');
    const shifts = await page.evaluate(() => Reflect.get(globalThis, 'shifts') as { value: number }[]);
    const sum = shifts.reduce((total, { value }) => total + value, 0);
    expect(sum, JSON.stringify(shifts)).toBeLessThan(0.05);
  });
});

test('an unknown address has a page with a way back', async ({ databaseUrl, page }) => {
  const server = await startTestServer(databaseUrl);
  const answer = await page.goto(`${server.url}/dashboards/123`);
  expect(answer?.status()).toBe(404);
  await page.getByRole('heading', { name: 'This page does not exist' }).waitFor();
  await page.getByRole('link', { name: 'Open a dashboard' }).click();
  // The only clinic of the server.
  await page.waitForURL(`${server.url}/?org=123`);
});

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

function overlaps(one: Box | null, other: Box | null): boolean {
  if (one === null || other === null) throw new Error('A button is not visible.');
  const isBeside = one.x + one.width <= other.x || other.x + other.width <= one.x;
  const isAbove = one.y + one.height <= other.y || other.y + other.height <= one.y;
  return !isBeside && !isAbove;
}

/** The texts that change within this time: a clock of the page ticks twice in it. */
function changesDuring(page: Page, selector: string, ms: number): Promise<string[]> {
  return page.evaluate(
    ([within, time]) =>
      new Promise<string[]>((resolve) => {
        const seen: string[] = [];
        const observer = new MutationObserver((changes) =>
          seen.push(...changes.map(({ target }) => target.textContent ?? '')),
        );
        const element = document.querySelector(within);
        if (element === null) throw new Error(`Nothing fits ${within}.`);
        observer.observe(element, { subtree: true, characterData: true, childList: true });
        setTimeout(() => resolve(seen), time);
      }),
    [selector, ms] as const,
  );
}
