/** Pages whose files do not arrive: the server was updated after it sent the page, or the connection was lost. */
import type { Page } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import { startTestServer } from '../support/server.ts';
import { isAccessible } from './support/axe.ts';
import { openDashboard } from './support/dashboard.ts';
import { holdAnswers } from './support/held-answers.ts';
import { test } from './support/test.ts';

const SCRIPT = '**/assets/index-*.js';
const STYLE = '**/assets/index-*.css';
const NOT_FOUND = { status: 404, contentType: 'application/problem+json', body: '{}' };

/** @returns how often the page was loaded until now */
function countLoads(page: Page): () => number {
  let loads = 0;
  page.on('request', (request) => {
    if (request.isNavigationRequest()) loads += 1;
  });
  return () => loads;
}

const attemptsOf = (): string | null => sessionStorage.getItem('patient-sync.attempts-to-load');

/** Another server answers from now on: its page has other files, and those of this page are gone. */
async function update(page: Page, file: string): Promise<void> {
  await page.route(file, (route) => route.fulfill(NOT_FOUND));
  await page.route(/\?org=123/, async (route) => {
    if (route.request().resourceType() === 'document') {
      await page.unroute(file);
      await route.continue();
      return;
    }
    const response = await route.fetch();
    await route.fulfill({
      response,
      body: (await response.text()).replaceAll(/index-[\w-]+\.js/g, 'index-other.js'),
    });
  });
}

describe('a page whose files do not arrive', () => {
  test.for([SCRIPT, STYLE, '**/assets/page-header-*.js'])(
    'loads again: %s',
    async (file, { databaseUrl, page }) => {
      const server = await startTestServer(databaseUrl);
      const loads = countLoads(page);
      await page.route(file, (route) => route.fulfill(NOT_FOUND), { times: 1 });
      const dashboard = await openDashboard(page, server.url);
      await vi.waitFor(() => expect(loads()).toBe(2));
      await dashboard.isConnected('live');
      // The first page may have been live too.
      await vi.waitFor(async () =>
        expect(await page.evaluate(() => document.styleSheets.length)).not.toBe(0),
      );
    },
  );

  test('loads again when a page that is a part of its own is missing', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    await page.route('**/assets/patients-page-*', (route) => route.fulfill(NOT_FOUND), { times: 1 });
    await page.goto(`${server.url}/?org=123&view=patients`);
    await page.getByRole('searchbox').or(page.getByRole('textbox')).first().waitFor();
  });

  test('says so in the empty page, waits longer each time, and ends', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    const loads = countLoads(page);
    // A clock that runs would fire the next attempt early on a slow machine.
    await page.clock.install({ time: 0 });
    await page.clock.pauseAt(1_000);
    await page.route(SCRIPT, (route) => route.fulfill(NOT_FOUND));
    await page.goto(`${server.url}/?org=123`);
    for (const [index, ms] of [0, 2_000, 5_000, 15_000, 30_000, 60_000].entries()) {
      await page.getByRole('alert').filter({ hasText: 'loads again by itself' }).waitFor();
      await page.clock.fastForward(ms + 1);
      await vi.waitFor(() => expect(loads()).toBe(index + 2));
    }
    await page.getByRole('alert').filter({ hasText: 'Reload it in a minute' }).waitFor();
    await page.clock.fastForward(200_000);
    await page.clock.resume();
    await isAccessible(page);
    expect(loads()).toBe(7);
    await page.unroute(SCRIPT);
    await page.reload();
    await page.locator('.badge[data-connection="live"]').waitFor();
    expect(loads()).toBe(8);
  });

  test('does not loop in a browser that keeps nothing', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    const loads = countLoads(page);
    await page.addInitScript(() => {
      Storage.prototype.setItem = () => {
        throw new Error('The browser keeps nothing.');
      };
    });
    await page.route(SCRIPT, (route) => route.fulfill(NOT_FOUND));
    await page.goto(`${server.url}/?org=123`);
    await page.getByRole('alert').filter({ hasText: 'Reload it in a minute' }).waitFor();
    expect(loads()).toBe(1);
  });
});

test('a page stays when a file of another origin is refused, as an extension of the browser adds it', async ({
  databaseUrl,
  page,
}) => {
  const server = await startTestServer(databaseUrl);
  const loads = countLoads(page);
  const dashboard = await openDashboard(page, server.url);
  await dashboard.isConnected('live');
  await page.evaluate(
    () =>
      new Promise((resolve) => {
        const style = document.createElement('link');
        Object.assign(style, { rel: 'stylesheet', href: 'https://extension.example/style.css' });
        style.addEventListener('error', resolve);
        document.head.append(style);
      }),
  );
  expect(await page.evaluate(attemptsOf)).toBeNull();
  expect(loads()).toBe(1);
});

describe('an open page of an updated server', () => {
  test('loads again when a person opens a part that the server no longer has', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl);
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    await update(page, '**/assets/settings-dialog-*');
    await page.getByRole('button', { name: 'Settings' }).click();
    // The settings have an address.
    await page.getByRole('dialog', { name: 'Settings' }).waitFor();
  });

  test('stays when a person has typed in it', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    const loads = countLoads(page);
    await page.goto(`${server.url}/?org=123`);
    await page.locator('.badge[data-connection="live"]').waitFor();
    await page.evaluate(() => {
      const field = document.createElement('input');
      document.querySelector('main')?.append(field);
      field.focus();
    });
    await page.keyboard.type('a note');
    await update(page, '**/assets/settings-dialog-*');
    const isAsked = page.waitForEvent('requestfinished', (request) => request.url().includes('/?org=123'));
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('alert').filter({ hasText: 'could not be loaded' }).waitFor();
    await isAsked;
    // A page that loads again asks once whether the server answers: it would be gone before the last of these answers.
    for (let left = 3; left > 0; left -= 1)
      await page.evaluate(async () => (await fetch(window.location.href)).text());
    expect(loads()).toBe(1);
    expect(await page.locator('main > input').inputValue()).toBe('a note');
  });

  test('stays when only a proxy answers', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl);
    const dashboard = await openDashboard(page, server.url);
    await dashboard.isConnected('live');
    const unavailable = { status: 502, contentType: 'text/html', body: 'Bad Gateway' };
    await page.route(/settings-dialog-|\?org=123/, (route) => route.fulfill(unavailable));
    const isAsked = page.waitForEvent('requestfinished', (request) => request.url().includes('/?org=123'));
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('alert').filter({ hasText: 'could not be loaded' }).waitFor();
    await isAsked;
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
    expect(await page.evaluate(attemptsOf)).toBeNull();
  });

  test('stays when a person types while it asks whether the server answers', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl);
    const loads = countLoads(page);
    await page.goto(`${server.url}/?org=123&settings=clinic`);
    const name = page.getByRole('dialog').getByRole('textbox').first();
    await name.waitFor();
    const letGo = await holdAnswers(page, /\?org=123/);
    const isAsked = page.waitForRequest((request) => request.url().includes('/?org=123'));
    await page.evaluate(() => window.dispatchEvent(new Event('page-part-missing')));
    await isAsked;
    await name.fill('Harbour Street Clinic');
    const isAnswered = page.waitForResponse((response) => response.url().includes('/?org=123'));
    letGo();
    await isAnswered;
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
    expect(await name.inputValue()).toBe('Harbour Street Clinic');
    expect(loads()).toBe(1);
  });
});
