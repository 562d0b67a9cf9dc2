/** Tabs of one browser with different tokens: data of one does not reach the other through a shared connection. */
import type { BrowserContext, Page } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import { type GuardedServer, OURS, startGuardedServer, THEIRS } from '../access/support/guarded-server.ts';
import { embedHtml, embedOn } from './support/embed-page.ts';
import { openSignedIn } from './support/sign-in.ts';
import { test } from './support/test.ts';

/** The tabs that opened event streams, in order. */
function recordStreams(context: BrowserContext): Page[] {
  const opened: Page[] = [];
  context.on('request', (request) => {
    if (request.url().includes('/events?')) opened.push(request.frame().page());
  });
  return opened;
}

async function openTab(context: BrowserContext, server: GuardedServer, token: string) {
  const page = await context.newPage();
  return { page, dashboard: await openSignedIn(page, server.url, OURS, token) };
}

describe('tabs that have signed in', () => {
  test('with the same token share one connection', async ({ databaseUrl, context }) => {
    const server = await startGuardedServer(databaseUrl);
    const opened = recordStreams(context);
    const token = await server.token({ scope: 'sync' });
    const first = await openTab(context, server, token);
    await first.dashboard.isConnected('live');
    const second = await openTab(context, server, token);
    await second.dashboard.isConnected('live');
    await second.dashboard.startFull.click();
    for (const { dashboard } of [first, second]) await dashboard.hasStatus('completed');
    expect(new Set(opened)).toEqual(new Set([first.page]));
  });

  test('with different tokens do not: each sees what its own token can access', async ({
    databaseUrl,
    context,
  }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 648 });
    const opened = recordStreams(context);
    const holder = await openTab(context, server, await server.token({ scope: 'sync' }));
    await holder.dashboard.isConnected('live');
    await holder.dashboard.startFull.click();
    await holder.dashboard.hasStatus('completed');

    const externalWriter = await openTab(context, server, await server.token({ organizations: [THEIRS] }));
    await externalWriter.page.locator('.badge', { hasText: 'No access' }).waitFor();
    expect(await externalWriter.page.locator('.sync-monitor').count()).toBe(0);
    expect(await externalWriter.page.textContent('body')).not.toMatch(/648|canary/);
    const colleague = await openTab(context, server, await server.token());
    await colleague.dashboard.isConnected('live');
    await colleague.dashboard.hasStatus('completed');
    expect(new Set(opened)).toEqual(new Set([holder.page, colleague.page]));
  });

  test('continue when the leader signs out', async ({ databaseUrl, context }) => {
    const server = await startGuardedServer(databaseUrl);
    const opened = recordStreams(context);
    const token = await server.token({ scope: 'sync' });
    const first = await openTab(context, server, token);
    await first.dashboard.isConnected('live');
    const second = await openTab(context, server, token);
    await second.dashboard.isConnected('live');
    await first.page.getByRole('button', { name: 'Sign out' }).click();
    await vi.waitFor(() => expect(new Set(opened)).toEqual(new Set([first.page, second.page])), {
      timeout: 10_000,
    });
    await second.dashboard.startFull.click();
    await second.dashboard.hasStatus('completed');
  });
});

test('elements with only stream tokens do not share: the owner of such a token is unknown', async ({
  databaseUrl,
  context,
}) => {
  const server = await startGuardedServer(databaseUrl);
  const opened = recordStreams(context);
  const tabs = await Promise.all([context.newPage(), context.newPage()]);
  for (const page of tabs) {
    const answer = await server.as(await server.token(), '/stream-tokens', { method: 'POST', body: '{}' });
    const { token } = (await answer.json()) as { token: string };
    await page.route('**/bare-page', (route) =>
      route.fulfill({ contentType: 'text/html', body: embedHtml(server.url, '') }),
    );
    await page.goto(`${server.url}/bare-page`);
    await page.evaluate(
      async ({ organizationId, streamToken }) => {
        await customElements.whenDefined('sync-progress');
        const element = document.querySelector('sync-progress');
        Object.assign(element ?? {}, { getStreamToken: async () => streamToken });
        element?.setAttribute('org', String(organizationId));
      },
      { organizationId: OURS, streamToken: token },
    );
    await embedOn(page).isOn('sse');
  }
  expect(new Set(opened)).toEqual(new Set(tabs));
});
