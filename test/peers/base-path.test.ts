/** The pages in a browser behind a real nginx that serves us below /sync/, beside other programs of the same host. */
import { BlockList } from 'node:net';
import { describe, expect } from 'vitest';
import { OURS, startGuardedServer } from '../access/support/guarded-server.ts';
import { asksForToken, signIn } from '../browser/support/sign-in.ts';
import { test } from '../browser/support/test.ts';
import { startGuideProxy } from './support/guide-proxies.ts';

const TRUSTED = new BlockList();
TRUSTED.addAddress('127.0.0.1');

describe('nginx at /sync/', () => {
  test('serves sign-in, both pages, their streams, the WebSocket and the embedded element', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const server = await startGuardedServer(databaseUrl, {
      config: { trustedProxies: TRUSTED, basePath: '/sync' },
    });
    const origin = await startGuideProxy('nginx', server.url, { isBelow: true });

    await page.goto(`${origin}/sync/?org=${OURS}`);
    await asksForToken(page);
    await signIn(page, server.admin);
    await page.getByRole('button', { name: 'Start Full Sync' }).click();
    await page.getByRole('heading', { name: 'Last sync: full sync completed' }).waitFor();
    await page.getByRole('link', { name: 'All organizations' }).click();
    await page.waitForURL(`${origin}/sync/ops`);
    await page
      .getByRole('link', { name: String(OURS) })
      .first()
      .waitFor();
    // Leaving before the WebSocket is open is an error on the console.
    await page.locator('.badge[data-connection="live"]').waitFor();
    await page.getByRole('link', { name: 'Dashboard' }).click();
    // Back to the clinic that this tab had open.
    await page.waitForURL(`${origin}/sync/?org=${OURS}`);

    expect(
      journal.requests.some((url) => url.startsWith('ws') && url.includes('/sync/api/v1/cliniko/ws')),
    ).toBe(true);
    expect(journal.requests.filter((url) => !new URL(url).pathname.startsWith('/sync'))).toEqual([]);
    const script = await fetch(`${origin}/sync/embed/sync-progress.js`);
    expect(script.status).toBe(200);
    expect(journal.consoleErrors.filter((problem) => !problem.includes('401'))).toEqual([]);
  });
});
