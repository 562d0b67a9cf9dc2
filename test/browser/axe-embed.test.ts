/** `<sync-progress>` in every state, light and dark: axe finds nothing against WCAG 2.2 AA in the element, nor in a page around it. */
import type { Page } from 'playwright-core';
import { describe } from 'vitest';
import { StartedSync } from '#contract/sync-log.ts';
import { freePort } from '../support/free-port.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { isAccessible } from './support/axe.ts';
import { embedHtml, embedOn, startForeignPage } from './support/embed-page.ts';
import { test } from './support/test.ts';

/** The page sets its own background in both schemes, as a page that supports both must. */
const BOTH_SCHEMES =
  '<style>:root { color-scheme: light dark } body { background: Canvas; color: CanvasText }</style>';

async function embedded(databaseUrl: string, page: Page) {
  const panel = await startForeignPage();
  const server = await startTestServer(databaseUrl, {
    config: { allowedOrigins: [panel.origin], port: await freePort(), drainMs: 0 },
  });
  panel.serve(embedHtml(server.url, 'org="123"', BOTH_SCHEMES));
  await page.goto(panel.origin);
  const embed = embedOn(page);
  await embed.isConnected('live');
  return { server, embed };
}

const start = (server: TestServer) => server.api('/cliniko/sync-all/123', { method: 'POST' });

describe('the element is accessible', () => {
  test('before the first sync, after completion, and while the server is unreachable', async ({
    databaseUrl,
    page,
  }) => {
    const { server, embed } = await embedded(databaseUrl, page);
    await embed.hasStatus('none');
    await isAccessible(page);
    await start(server);
    await embed.hasStatus('completed');
    await isAccessible(page);
    await server.stop();
    await embed.isConnected('offline');
    await isAccessible(page);
  });

  test('while a sync runs, and while it waits for Cliniko', async ({ databaseUrl, page }) => {
    const { server, embed } = await embedded(databaseUrl, page);
    server.cliniko.faults.onPage(5, { kind: 'hang' });
    const started = await start(server);
    await embed.text.filter({ hasText: '400 / 648 patients' }).waitFor();
    await isAccessible(page);
    const { sync_log_id: id } = StartedSync.parse(await started.json());
    await server.api(`/cliniko/sync-logs/123/${id}/cancel`, { method: 'POST' });
    await embed.hasStatus('failed');

    server.cliniko.faults.onPage(3, { kind: 'rate-limited', reset: 60 });
    await start(server);
    await page.locator('sync-progress .box[data-tone="waiting"]').waitFor();
    await isAccessible(page);
  });

  test('after a failure', async ({ databaseUrl, page }) => {
    const { server, embed } = await embedded(databaseUrl, page);
    server.cliniko.behaviour.access = 'unauthorised';
    await start(server);
    await embed.hasStatus('failed');
    await isAccessible(page);
  });
});
