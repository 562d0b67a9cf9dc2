/** The clock of the reader's computer is wrong: durations and waits are those of the server. */
import type { Locator, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import { connectInTest } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';
import { openDashboard } from './support/dashboard.ts';
import { embedOn, openOwnPage } from './support/embed-page.ts';
import { holdAnswers } from './support/held-answers.ts';
import { test } from './support/test.ts';
import { hideTime, setClock } from './support/wrong-clock.ts';

/** All but the stream, which tells no time. */
const ANSWERS = /\/api\/v1\/(?!.*\/events)/;

/** The page draws a sync when it knows the settings of its clinic. */
const SETTINGS = /\/api\/v1\/organizations\/123$/;

const factOf = (page: Page, term: string) =>
  page.locator('.facts div').filter({ hasText: term }).locator('dd');

/** The time that a text names, in seconds since noon or midnight. */
async function clockIn(place: Locator): Promise<number> {
  const [, hours, minutes, seconds] = /(\d+):(\d+):(\d+)/.exec((await place.textContent()) ?? '') ?? [];
  return (Number(hours) % 12) * 3600 + Number(minutes) * 60 + Number(seconds);
}

async function runsForSeconds(page: Page): Promise<void> {
  const fact = factOf(page, 'Running for');
  await vi.waitFor(async () => expect(await fact.textContent()).toMatch(/^[1-9]\d?s$/), 10_000);
}

test.for([
  ['ten minutes fast', 600_000],
  ['ten minutes slow', -600_000],
] as const)(
  '%s: a run that has just started runs for seconds',
  async ([, offsetMs], { databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    server.cliniko.faults.onPage(2, { kind: 'hang' });
    await setClock(page, offsetMs);
    const dashboard = await openDashboard(page, server.url);
    await dashboard.startFull.click();
    await dashboard.hasStatus('running');
    await runsForSeconds(page);
  },
);

test('the time left stays when the page learns the clock of the server', async ({ databaseUrl, page }) => {
  const server = await startTestServer(databaseUrl);
  await connectInTest(databaseUrl)`
    insert into sync_logs (organization_id, operation_type, status, started_at, metadata)
    values (123, 'full_patients', 'running', now() at time zone 'utc', '{"estimated_remaining_ms": 3600000}')`;
  await setClock(page, 600_000);
  const letGo = await holdAnswers(page, ANSWERS);
  await hideTime(page, SETTINGS);
  const dashboard = await openDashboard(page, server.url);
  await dashboard.hasStatus('running');
  await factOf(page, 'Running for').filter({ hasText: /^10m/ }).waitFor();
  await factOf(page, 'Time left').filter({ hasText: '1 h' }).waitFor();
  letGo();
  await runsForSeconds(page);
  expect(await factOf(page, 'Time left').textContent()).toMatch(/^(1 h|59 min)$/);
});

test('a second attempt that has passed by the wrong clock appears when the page learns the right one', async ({
  databaseUrl,
  page,
}) => {
  const server = await startTestServer(databaseUrl);
  const sql = connectInTest(databaseUrl);
  const retryAt = new Date(Date.now() + 300_000).toISOString();
  await sql`
    insert into sync_logs (organization_id, operation_type, status, started_at, completed_at, metadata)
    values (123, 'full_patients', 'failed', now() at time zone 'utc', now() at time zone 'utc',
      ${sql.json({ retry_at: retryAt })})`;
  await setClock(page, 600_000);
  const letGo = await holdAnswers(page, ANSWERS);
  await hideTime(page, SETTINGS);
  const dashboard = await openDashboard(page, server.url);
  await dashboard.hasStatus('failed');
  expect(await factOf(page, 'Next attempt').count()).toBe(0);
  letGo();
  // Not with the next tick of its distance, half a minute later.
  const next = factOf(page, 'Next attempt').filter({ hasText: /in [45] minutes/ });
  await next.waitFor({ timeout: 10_000 });
});

test('a lost connection has one time, that of the server', async ({ databaseUrl, page }) => {
  const server = await startTestServer(databaseUrl);
  server.cliniko.faults.onPage(2, { kind: 'hang' });
  const network = await openTcpProxy(server.url);
  await setClock(page, 600_000);
  const dashboard = await openDashboard(page, new URL(network.url).origin);
  await dashboard.startFull.click();
  await dashboard.hasStatus('running');
  await runsForSeconds(page);
  network.refuse(true);
  await dashboard.isConnected('offline');
  const [of, since] = await Promise.all([
    clockIn(page.getByText(/^As of/)),
    clockIn(page.getByText(/has not answered since/)),
  ]);
  expect(since).toBe(of);
});

test('the element counts down to the time of its server', async ({ databaseUrl, page }) => {
  const server = await startTestServer(databaseUrl);
  server.cliniko.faults.onPage(2, { kind: 'rate-limited', reset: 40, times: 1 });
  await setClock(page, 600_000);
  await openOwnPage(page, server.url);
  await embedOn(page).hasStatus('none');
  await server.api('/cliniko/sync-all/123', { method: 'POST' });
  const remaining = page.locator('sync-progress .remaining');
  await remaining.filter({ hasText: /^next attempt in \d+ seconds?$/ }).waitFor();
});
