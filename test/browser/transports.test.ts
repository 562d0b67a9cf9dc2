/**
 * The client library in a real browser, against a real server: changes of transport, a restart, and more tabs than a
 * browser has connections.
 */
import type { BrowserContext, Page } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { holdPage } from '../support/held-page.ts';
import { latestRun } from '../support/latest-run.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type EmbedPage, openOwnPage } from './support/embed-page.ts';
import { test } from './support/test.ts';

const isSorted = (values: number[]): boolean =>
  values.every((value, i) => i === 0 || value >= (values[i - 1] ?? 0));

/** Simulates the browser's `online` event: pending retries happen now. */
const networkIsBack = (page: Page) => page.evaluate(() => window.dispatchEvent(new Event('online')));

async function blockable(page: Page) {
  const sockets = new Set<{ close(): Promise<void> }>();
  let areBlocked = false;
  await page.routeWebSocket('**/api/v1/cliniko/ws', (socket) => {
    if (areBlocked) return void socket.close();
    socket.connectToServer();
    sockets.add(socket);
  });
  const refuse = (route: { abort(): Promise<void> }) => route.abort();
  return {
    blockStreams: () => page.route('**/events*', refuse),
    unblockStreams: () => page.unroute('**/events*', refuse),
    async blockSockets() {
      areBlocked = true;
      for (const socket of sockets) await socket.close();
    },
    unblockSockets() {
      areBlocked = false;
    },
  };
}

describe('a sync that is watched', () => {
  test('reaches its end on Server-Sent Events alone', async ({ databaseUrl, page, journal }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 50 });
    const embed = await openOwnPage(page, server.url);
    await embed.isOn('sse');
    const bar = await embed.recordBar();
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await embed.hasStatus('completed');
    const values = await bar();
    expect(isSorted(values)).toBe(true);
    expect(values.at(-1)).toBe(100);
    expect(journal.requests.filter((url) => url.includes('/api/'))).toHaveLength(1);
    expect(journal.consoleErrors).toEqual([]);
  });

  test('goes from Server-Sent Events to WebSocket to poll, and back, in one run', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 1_200, latencyMs: 100 });
    const letGo = holdPage(server, 12);
    const network = await blockable(page);
    await network.blockStreams();
    const embed = await openOwnPage(page, server.url);
    await embed.isOn('websocket');
    const bar = await embed.recordBar();
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await embed.hasStatus('running');

    await network.blockSockets();
    await embed.isOn('poll');
    await embed.isConnected('polling');
    network.unblockSockets();
    await networkIsBack(page);
    await embed.isOn('websocket');
    await network.unblockStreams();
    await networkIsBack(page);
    await embed.isOn('sse');
    expect((await latestRun(server)).status).toBe('running');

    letGo();
    await embed.hasStatus('completed');
    expect(await embed.text.textContent()).toBe('1,200 / 1,200 patients (100.0%)');
    expect(isSorted(await bar())).toBe(true);
  });

  test('survives a restart of its server during a run without the bar moving back', async ({
    databaseUrl,
    page,
  }) => {
    const port = await freePort();
    const first = await startTestServer(databaseUrl, { latencyMs: 400, config: { port, drainMs: 0 } });
    const letGo = holdPage(first, 7);
    const embed = await openOwnPage(page, first.url);
    await embed.isOn('sse');
    const bar = await embed.recordBar();
    await first.api('/cliniko/sync-all/123', { method: 'POST' });
    await vi.waitFor(async () => expect((await bar()).at(-1)).toBeGreaterThan(10), { timeout: 10_000 });
    const run = (await latestRun(first)).id;
    await first.stop();
    await embed.isConnected('offline');
    letGo();

    const second = await startTestServer(databaseUrl, {
      cliniko: first.cliniko,
      organizations: [],
      config: { port },
    });
    await embed.isOn('sse');
    await embed.hasStatus('completed');
    expect((await latestRun(second)).id).toBe(run);
    const values = await bar();
    expect(isSorted(values)).toBe(true);
    expect(values.at(-1)).toBe(100);
  });
});

async function openTabs(
  context: BrowserContext,
  server: TestServer,
  organizationIds: readonly number[],
): Promise<{ page: Page; embed: EmbedPage }[]> {
  return Promise.all(
    organizationIds.map(async (id) => {
      const page = await context.newPage();
      return { page, embed: await openOwnPage(page, server.url, id) };
    }),
  );
}

describe('seven tabs of one origin', () => {
  test('share one connection to an organization, and another tab takes over when the leader closes', async ({
    databaseUrl,
    context,
  }) => {
    const server = await startTestServer(databaseUrl);
    const opened: Page[] = [];
    context.on('request', (request) => {
      const page = request.frame().page();
      if (request.url().includes('/events')) opened.push(page);
    });
    const tabs = await openTabs(context, server, Array(7).fill(123));
    for (const { embed } of tabs) await embed.isOn('sse');
    expect(opened).toHaveLength(1);

    const [leader] = opened;
    await leader?.close();
    const left = tabs.filter(({ page }) => page !== leader);
    await vi.waitFor(() => expect(opened).toHaveLength(2), { timeout: 10_000 });
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    for (const { embed } of left) {
      await embed.hasStatus('completed');
      await embed.isConnected('live');
    }
    expect(opened).toHaveLength(2);
  });

  test('are not blocked by a silent leader: another tab takes its lock, and it follows', async ({
    databaseUrl,
    context,
  }) => {
    const server = await startTestServer(databaseUrl);
    const opened: Page[] = [];
    context.on('request', (request) => {
      if (request.url().includes('/events')) opened.push(request.frame().page());
    });
    const [silent] = await openTabs(context, server, [123]);
    await silent?.embed.isOn('sse');
    const page = await context.newPage();
    await page.clock.install();
    const embed = await openOwnPage(page, server.url);
    await embed.isOn('sse');
    expect(opened).toEqual([silent?.page]);

    // Tabs share a process here, so an endless loop would block both: this one only stops sending messages.
    await silent?.page.evaluate(() => {
      BroadcastChannel.prototype.postMessage = () => {};
    });
    // The silence is noticed, a question gets no answer, and the lock is stolen.
    await page.clock.fastForward(20_000);
    await page.clock.fastForward(3_000);
    await vi.waitFor(() => expect(opened).toEqual([silent?.page, page]));
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await embed.hasStatus('completed');

    await silent?.embed.hasStatus('completed');
    await silent?.embed.isConnected('live');
    expect(opened).toEqual([silent?.page, page]);
  });

  test('stay live on seven organizations, and leave connections for plain requests', async ({
    databaseUrl,
    context,
  }) => {
    const organizations = [1, 2, 3, 4, 5, 6, 7];
    const server = await startTestServer(databaseUrl, { organizations, patients: 30 });
    const tabs = await openTabs(context, server, organizations);
    for (const { embed } of tabs) await embed.isConnected('live');
    const ways = await Promise.all(tabs.map(({ embed }) => embed.box.getAttribute('data-transport')));
    expect(ways.sort()).toEqual(['sse', 'sse', 'sse', 'websocket', 'websocket', 'websocket', 'websocket']);

    const eighth = await openTabs(context, server, [1]);
    for (const { embed } of eighth) await embed.isConnected('live');
    for (const id of organizations) await server.api(`/cliniko/sync-all/${id}`, { method: 'POST' });
    for (const { embed } of [...tabs, ...eighth]) await embed.hasStatus('completed');
  });
});
