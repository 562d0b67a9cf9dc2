/** The button of `<sync-progress start>`: when a start fails, and with the snippets of the guide. */
import { expect, vi } from 'vitest';
import { readGuide } from '../docs/support/guides.ts';
import { startTestServer } from '../support/server.ts';
import { embedHtml, embedOn } from './support/embed-page.ts';
import { test } from './support/test.ts';

test('a start that does not reach the server says so until a run arrives', async ({ databaseUrl, page }) => {
  const server = await startTestServer(databaseUrl, { patients: 30 });
  await page.route('**/bare-page', (route) =>
    route.fulfill({ contentType: 'text/html', body: embedHtml(server.url, 'org="123" start') }),
  );
  await page.route('**/sync-all/123', (route) => route.abort());
  await page.goto(`${server.url}/bare-page`);
  const element = embedOn(page);
  await element.isConnected('live');
  await page.getByRole('button', { name: 'Start sync' }).click();
  const words = 'The server does not answer. Check your internet connection, then try again.';
  await element.problem.filter({ hasText: words }).waitFor();
  expect(await element.announcer.textContent()).toBe(words);

  await server.api('/cliniko/sync-all/123', { method: 'POST' });
  await element.hasStatus('completed');
  await vi.waitFor(async () => expect(await element.problem.textContent()).toBe(''));
});

test('a start that fails says nothing about the organization that the element shows by then', async ({
  databaseUrl,
  page,
}) => {
  const server = await startTestServer(databaseUrl, { organizations: [123, 456], patients: 30 });
  await server.api('/cliniko/sync-all/456', { method: 'POST' });
  await page.route('**/bare-page', (route) =>
    route.fulfill({ contentType: 'text/html', body: embedHtml(server.url, 'org="123" start') }),
  );
  let fail = (): void => {};
  const hasToFail = new Promise<void>((resolve) => {
    fail = resolve;
  });
  await page.route('**/sync-all/123', async (route) => {
    await hasToFail;
    await route.abort();
  });
  await page.goto(`${server.url}/bare-page`);
  const element = embedOn(page);
  await element.isConnected('live');
  await page.getByRole('button', { name: 'Start sync' }).click();
  await page.locator('sync-progress').evaluate((tag) => tag.setAttribute('org', '456'));
  await element.hasStatus('completed');
  fail();
  await page.getByRole('button', { name: 'Start sync', disabled: false }).waitFor();
  expect(await element.problem.textContent()).toBe('');
  expect(await element.announcer.textContent()).not.toContain('does not answer');
});

test('the snippets of the guide leave the start to the page, and replace texts', async ({
  databaseUrl,
  page,
}) => {
  const guide = await readGuide('guides/embed.md');
  const snippets = [...guide.matchAll(/^```js part\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
  expect(snippets).toHaveLength(2);
  const script = `<script>addEventListener('DOMContentLoaded', () => {
    const element = document.querySelector('sync-progress');
    ${snippets.join('\n')}
  })</script>`;
  const server = await startTestServer(databaseUrl, { patients: 30 });
  await page.route('**/bare-page', (route) =>
    route.fulfill({ contentType: 'text/html', body: embedHtml(server.url, 'org="123" start', script) }),
  );
  let startedByElement = 0;
  await page.route('**/sync-all/123', (route) => {
    startedByElement += 1;
    return route.abort();
  });
  await page.route('**/api/start-sync', async (route) => {
    expect(route.request().method()).toBe('POST');
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await route.fulfill({ status: 204 });
  });
  await page.goto(`${server.url}/bare-page`);
  const element = embedOn(page);
  await element.connection.filter({ hasText: 'En direct' }).waitFor();
  await element.step.filter({ hasText: 'Aucune synchronisation' }).waitFor();
  await page.getByRole('button', { name: 'Start sync' }).click();
  await element.hasStatus('completed');
  expect(startedByElement).toBe(0);
});
