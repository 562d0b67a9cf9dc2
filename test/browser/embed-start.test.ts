/** The button of `<sync-progress start>` when a start fails. */
import { expect, vi } from 'vitest';
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
