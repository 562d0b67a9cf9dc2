/**
 * No page jumps while it loads, with its font before the data or long after it, and the dashboard does not when a sync
 * fails or the connection is lost.
 */
import type { Page, Route } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { putJson, startTestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';
import { openDashboard } from './support/dashboard.ts';
import { holdAnswers } from './support/held-answers.ts';
import { test } from './support/test.ts';

const PAGES = [
  '/?org=',
  '/?org=123',
  '/?org=123&run=1',
  '/?org=123&view=patients',
  '/ops',
  '/notifications',
  '/sign-in',
];
const SHIFT_AT_MOST = 0.05;

interface LayoutShiftSource {
  node?: Element | null;
  previousRect: DOMRectReadOnly;
  currentRect: DOMRectReadOnly;
}

/** Keeps the shifts of the page that is loaded next. */
async function recordShifts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const shifts: unknown[] = [];
    Object.assign(globalThis, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const sources = Reflect.get(entry, 'sources') as LayoutShiftSource[];
        const moved = sources.map(
          ({ node, previousRect: from, currentRect: to }) =>
            `${node?.className || node?.nodeName} y ${from.y} to ${to.y}, height ${from.height} to ${to.height}`,
        );
        shifts.push({ value: Reflect.get(entry, 'value'), moved });
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
}

async function expectStill(page: Page, what: string): Promise<void> {
  const shifts = await page.evaluate(
    () => Reflect.get(globalThis, 'shifts') as { value: number; moved: string[] }[],
  );
  const sum = shifts.reduce((total, { value }) => total + value, 0);
  expect(sum, `${what}: ${JSON.stringify(shifts)}`).toBeLessThan(SHIFT_AT_MOST);
}

/** Everything that the page requested has arrived and is drawn. */
async function isDrawn(page: Page): Promise<void> {
  await page
    .locator('.badge[data-connection="live"], .registered-link, .patients, .page.sign-in')
    .or(page.getByText('No notifications yet'))
    .first()
    .waitFor();
  await vi.waitFor(async () => expect(await page.getByText('Reading…').count()).toBe(0));
  await nextFrames(page);
}

async function nextFrames(page: Page): Promise<void> {
  await page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
  );
}

/** The failures by cause arrive after the page is drawn, as on a slow line. */
async function visitWithLateRows(page: Page, url: string): Promise<void> {
  const letGo = await holdAnswers(page, /\/api\/v1\/(overview|organizations)/);
  // A socket that says nothing else leaves the page connecting.
  const hello = { v: 1, type: 'hello', heartbeat_ms: 60_000 };
  await page.routeWebSocket(/\/ws/, (socket) => socket.send(JSON.stringify(hello)));
  await page.goto(url);
  await page.getByText('Looking for organizations…').waitFor();
  await nextFrames(page);
  letGo();
  await page.locator('.causes, .ops tbody .pill').first().waitFor();
  await nextFrames(page);
}

/** The settings of the clinic, which decide about the notices above its sync, arrive after its state. */
async function visitWithLateSettings(page: Page, url: string, notice: string): Promise<void> {
  const letGo = await holdAnswers(page, /\/api\/v1\/organizations\//);
  await page.goto(url);
  await page.locator('.badge[data-connection="live"]').waitFor();
  await nextFrames(page);
  letGo();
  await page.getByText(notice).waitFor();
  await page.locator('.sync-monitor').waitFor();
  await nextFrames(page);
}

/** Loads the page, and lets its font arrive only when everything else is drawn, as on a slow line. */
async function visitWithLateFont(page: Page, url: string): Promise<void> {
  const held: Route[] = [];
  await page.route('**/*.woff2', (route) => void held.push(route));
  await page.goto(url, { waitUntil: 'commit' });
  await isDrawn(page);
  await vi.waitFor(() => expect(held).not.toHaveLength(0));
  const arrived = page.waitForEvent('requestfinished', (request) => request.url().endsWith('.woff2'));
  for (const route of held) await route.continue();
  await arrived;
  await nextFrames(page);
  await page.unroute('**/*.woff2');
}

describe.each([390, 1280])('at %d pixels', (width) => {
  test('no page jumps, while it loads, when a sync fails, and when the connection is lost', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl, {
      patients: 230,
      config: { port: await freePort(), drainMs: 0 },
    });
    await putJson(server.api, '/organizations/123', {
      name: 'Harbour Street Clinic',
      validation: { phone: 'reject', email: 'require' },
      schedule: { cron: '0 2 * * *', time_zone: 'Australia/Sydney' },
    });
    await wholeSync(server);
    await page.setViewportSize({ width, height: 800 });
    await recordShifts(page);
    for (const path of PAGES) {
      await visitWithLateFont(page, server.url + path);
      await expectStill(page, `${path} while it loads`);
    }
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    await isDrawn(page);
    server.cliniko.behaviour.access = 'unauthorised';
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await dashboard.hasStatus('failed');
    await expectStill(page, 'a failed sync');
    const other = await page.context().newPage();
    await other.setViewportSize({ width, height: 800 });
    await recordShifts(other);
    await visitWithLateRows(other, `${server.url}/ops`);
    await expectStill(other, 'a console with failures');
    await server.stop();
    await dashboard.isConnected('offline');
    await expectStill(page, 'a lost connection');
  });

  test('a dashboard does not jump when a notice about the clinic arrives late', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl);
    await putJson(server.api, '/organizations/124', { name: 'Harbour Street Clinic' });
    await putJson(server.api, '/organizations/125', {
      paused: true,
      paused_reason: 'The clinic moves house.',
    });
    await page.setViewportSize({ width, height: 800 });
    await recordShifts(page);
    const notices = { 124: 'No Cliniko API key yet', 125: 'This clinic is paused', 999: 'is not registered' };
    for (const [id, notice] of Object.entries(notices)) {
      await visitWithLateSettings(page, `${server.url}/?org=${id}`, notice);
      await expectStill(page, notice);
    }
  });
});
