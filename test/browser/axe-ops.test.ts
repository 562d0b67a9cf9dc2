/** The ops console in every state, light and dark: axe finds nothing against WCAG 2.2 AA. */
import { describe } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startTestServer } from '../support/server.ts';
import { isAccessible } from './support/axe.ts';
import { test } from './support/test.ts';

describe('the ops console is accessible', () => {
  test('empty, busy, with its help open, and while the server is unreachable', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl, {
      organizations: [1, 2, 3],
      config: { port: await freePort(), drainMs: 0 },
    });
    await page.goto(`${server.url}/ops`);
    await page.locator('.badge[data-connection="live"]').waitFor();
    await isAccessible(page);

    await server.api('/cliniko/sync-all/1', { method: 'POST' });
    await page.locator('tr[data-organization="1"][data-status="completed"]').waitFor();
    server.cliniko.faults.onPage(5, { kind: 'hang' });
    await server.api('/cliniko/sync-all/2', { method: 'POST' });
    await page.locator('tr[data-organization="2"][data-status="running"]').waitFor();
    await page.locator('.tail-lines li').first().waitFor();
    await isAccessible(page);

    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await isAccessible(page);
    await page.keyboard.press('Escape');
    await server.stop();
    await page.locator('.badge[data-connection="offline"]').waitFor();
    await isAccessible(page);
  });
});
