/**
 * The pages of a server with accounts, in a real browser: a token shows what it can access, and without a token
 * nothing is shown.
 */
import { describe, expect, vi } from 'vitest';
import { newCode } from '../access/support/browser-session.ts';
import { OURS, startGuardedServer, THEIRS } from '../access/support/guarded-server.ts';
import { holdPage } from '../support/held-page.ts';
import { isAccessible } from './support/axe.ts';
import { openDashboard } from './support/dashboard.ts';
import { asksForToken, openSignedIn, signIn } from './support/sign-in.ts';
import { test } from './support/test.ts';

describe('a page of a server with accounts', () => {
  test('asks for a token, and explains why it rejects one', async ({ databaseUrl, page }) => {
    const server = await startGuardedServer(databaseUrl);
    for (const path of ['/', `/?org=${OURS}`, `/?org=${OURS}&run=1`, '/ops']) {
      await page.goto(`${server.url}${path}`);
      await asksForToken(page);
    }
    expect(await page.getByLabel('Access token').getAttribute('type')).toBe('password');
    await page.getByText('npm run tokens -- create').waitFor();
    await isAccessible(page);

    const alert = page.getByRole('alert');
    await signIn(page, 'ps_wrong');
    await alert
      .filter({ hasText: 'The token is not accepted: it is unknown, expired or revoked.' })
      .waitFor();
    await isAccessible(page);
    await signIn(page, 'schlüssel 1');
    await alert.filter({ hasText: 'This is not a token' }).waitFor();
    await signIn(page, ' ');
    await alert.filter({ hasText: 'Paste your access token first.' }).waitFor();
    // The rejected tokens are not kept.
    expect(await page.evaluate(() => sessionStorage.getItem('patient-sync.token'))).toBeNull();
  });

  test('shows a whole sync on the stream, with no token of the API in any address', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 648, latencyMs: 100 });
    const letGo = holdPage(server, 7);
    const token = await server.token({ scope: 'sync' });
    const dashboard = await openSignedIn(page, server.url, OURS, token);
    await dashboard.isConnected('live');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN');
    const before = journal.requests.length;
    await dashboard.startFull.click();
    await dashboard.hasStatus('running');
    letGo();
    await dashboard.hasStatus('completed');
    expect(journal.requests.slice(before).filter((url) => url.includes('limit=1'))).toEqual([]);
    await vi.waitFor(async () => expect(await dashboard.total('patients').textContent()).toBe('648'));

    await page.reload();
    await dashboard.isConnected('live');
    await page.locator('.run-link').first().click();
    await page.getByRole('heading', { level: 1, name: /^Run \d+$/ }).waitFor();
    await dashboard.isConnected('live');
    expect(journal.requests.some((url) => url.includes('/events?token='))).toBe(true);
    expect(journal.requests.filter((url) => url.includes(token))).toEqual([]);
    expect(journal.consoleErrors.filter((text) => !text.includes('401'))).toEqual([]);
  });

  test('explains how to register an organization with commands that show a token', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startGuardedServer(databaseUrl);
    await openSignedIn(page, server.url, 77, server.admin);
    await page.getByText('Or from a terminal').click();
    const commands = (await page.locator('.not-registered pre').innerText()).split('\n');
    expect(commands).toHaveLength(2);
    for (const command of commands) {
      expect(command).toContain(`curl -X PUT ${server.url}/api/v1/organizations/77`);
      expect(command).toContain('-H "Authorization: Bearer $TOKEN"');
    }
    await isAccessible(page);
  });

  test('renews the token of its stream before it expires', async ({ databaseUrl, page, journal }) => {
    const server = await startGuardedServer(databaseUrl, { config: { streamTokenSeconds: 3 } });
    const dashboard = await openSignedIn(page, server.url, OURS, await server.token());
    const streamed = () => new Set(journal.requests.filter((url) => url.includes('/events?token=')));
    await vi.waitFor(() => expect(streamed().size).toBeGreaterThanOrEqual(2), { timeout: 10_000 });
    await dashboard.isConnected('live');
    await isAccessible(page);
  });

  test('denies access after a sign-out', async ({ databaseUrl, page }) => {
    const server = await startGuardedServer(databaseUrl);
    const dashboard = await openSignedIn(page, server.url, OURS, await server.token());
    await dashboard.isConnected('live');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await asksForToken(page);
    expect(await page.title()).toBe('Sign in · Patient Sync');
    await page.reload();
    await asksForToken(page);
  });

  test('asks again when the token is revoked, and says what became of a form', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startGuardedServer(databaseUrl);
    const { id, token } = await server.newToken({ scope: 'admin' });
    const dashboard = await openSignedIn(page, server.url, OURS, token);
    await dashboard.isConnected('live');
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('Harbour Street Clinic');
    await server.revoke(id);
    const words = page.getByText('Your token has expired or was revoked.');
    await words.filter({ hasText: 'What you typed was not saved' }).waitFor();
    await signIn(page, (await server.newToken({ scope: 'admin' })).token);
    await page.getByRole('dialog').getByLabel('Name').waitFor();
  });
});

describe('a token without permission', () => {
  test('to start a sync is offered nothing that it may not do', async ({ databaseUrl, page }) => {
    const server = await startGuardedServer(databaseUrl);
    await server.as(server.admin, `/cliniko/sync-all/${OURS}`, { method: 'POST' });
    const dashboard = await openSignedIn(page, server.url, OURS, await server.token({ scope: 'read' }));
    await dashboard.isConnected('live');
    await dashboard.hasStatus('completed');
    await dashboard.startFull.waitFor({ state: 'detached' });
    for (const name of ['Other syncs', 'Settings', 'Cancel sync', 'Retry'])
      expect(await page.getByRole('button', { name }).count()).toBe(0);
    await isAccessible(page);
  });

  test('to see the organization gets a refusal, and not an unreachable server', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startGuardedServer(databaseUrl);
    await openSignedIn(page, server.url, THEIRS, await server.token());
    await page.locator('.badge', { hasText: 'No access' }).waitFor();
    const refusal = page.locator('main > [role=alert]');
    await refusal.filter({ hasText: 'The token has no access to this organization.' }).waitFor();
    expect(await page.locator('.offline').count()).toBe(0);
    expect(await page.getByText('No sync has run yet').count()).toBe(0);
    await isAccessible(page);
    await page.goto(`${server.url}/?org=${THEIRS}&run=1`);
    await refusal.filter({ hasText: 'The token has no access to this organization.' }).waitFor();
    expect(await page.textContent('body')).not.toContain(`canary${THEIRS}`);
  });
});

describe('a sign-in link', () => {
  test('signs this browser in, for all its tabs and transports, until it signs out', async ({
    databaseUrl,
    context,
    page,
    journal,
  }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 120 });
    const { id } = await server.newToken({ name: 'Reception', scope: 'sync' });
    await page.goto(`${server.url}/sign-in`);
    await page.getByRole('heading', { name: 'This address has no sign-in code' }).waitFor();
    const code = await newCode(server, id);
    await page.goto(`${server.url}/sign-in#${code}`);
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in on this device' }).waitFor();
    await isAccessible(page);
    await page.getByRole('button', { name: 'Sign in' }).click();
    // The account has one clinic.
    await page.waitForURL(`${server.url}/?org=${OURS}`);
    expect(await page.evaluate(() => document.cookie)).toBe('');

    const dashboard = await openDashboard(page, server.url, OURS);
    await dashboard.isConnected('live');
    await dashboard.startFull.click();
    await dashboard.hasStatus('completed');
    const ops = await context.newPage();
    await ops.goto(`${server.url}/ops`);
    await ops.locator('.badge[data-connection="live"]').waitFor();
    await ops.locator(`tr[data-organization="${OURS}"][data-status="completed"]`).waitFor();
    expect(journal.requests.filter((url) => url.includes('token=') || url.includes(code))).toEqual([]);
    const list = await context.newPage();
    await list.goto(`${server.url}/?org=${OURS}&view=patients`);
    await list.locator('.patient-name').first().waitFor();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Signed in as Reception' }).waitFor();
    await isAccessible(page);
    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await asksForToken(page);
    await ops.getByText('Your session has ended.').waitFor();
    // A page without a connection learns it when a person looks at it.
    await list.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await list.getByText('Your session has ended.').waitFor();
    expect(await list.locator('.patient-name').count()).toBe(0);
    expect(await server.database.sql`select id from browser_sessions`).toHaveLength(0);

    await page.goto(`${server.url}/sign-in#${code}`);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This link was used already, or it has expired.').waitFor();
  });
});

test('the ops console shows only what the token can access', async ({ databaseUrl, page, journal }) => {
  const server = await startGuardedServer(databaseUrl, { patients: 120 });
  for (const id of [OURS, THEIRS])
    await server.as(server.admin, `/cliniko/sync-all/${id}`, { method: 'POST' });
  const token = await server.token();
  await page.goto(`${server.url}/ops`);
  await asksForToken(page);
  await signIn(page, token);
  await page.locator('.badge[data-connection="live"]').waitFor();
  await page.locator(`tr[data-organization="${OURS}"][data-status="completed"]`).waitFor();
  await page.getByText(`Clinic canary${OURS}`).first().waitFor();
  expect(await page.locator('tr[data-organization]').count()).toBe(1);
  expect(await page.textContent('body')).not.toContain(`canary${THEIRS}`);
  expect(journal.requests.filter((url) => url.includes(token))).toEqual([]);
});
