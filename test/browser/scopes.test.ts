/** A forbidden action shows the server’s message where it was requested, and has no effect. */
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { type GuardedServer, OURS, startGuardedServer } from '../access/support/guarded-server.ts';
import { putJson } from '../support/server.ts';
import { accessibilityViolations } from './support/axe.ts';
import { openSignedIn } from './support/sign-in.ts';
import { test } from './support/test.ts';

const needs = (scope: string, has: string) =>
  `This needs a token with the scope "${scope}"; this one has "${has}".`;

async function startAs(server: GuardedServer): Promise<void> {
  await server.as(server.admin, `/cliniko/sync-all/${OURS}`, { method: 'POST' });
}

const refusedWith = (page: Page, words: string) => page.getByText(words).first().waitFor();

describe('a token that only reads', () => {
  test('cancels nothing: the dialog stays open and says why', async ({ databaseUrl, page }) => {
    const server = await startGuardedServer(databaseUrl, { patients: 648 });
    server.cliniko.faults.onPage(3, { kind: 'hang' });
    const dashboard = await openSignedIn(page, server.url, OURS, await server.token());
    await dashboard.isConnected('live');
    await startAs(server);
    await dashboard.hasStatus('running');
    await page.getByRole('button', { name: 'Cancel sync' }).click();
    const dialog = page.getByRole('alertdialog');
    await dialog.getByRole('button', { name: 'Cancel sync' }).click();
    await dialog
      .getByRole('alert')
      .filter({ hasText: needs('sync', 'read') })
      .waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Keep it running' }).click();
    await dashboard.hasStatus('running');
  });

  test('changes no settings and no key, and the input stays', async ({ databaseUrl, page }) => {
    const server = await startGuardedServer(databaseUrl);
    const dashboard = await openSignedIn(page, server.url, OURS, await server.token());
    await dashboard.isConnected('live');
    await page.getByRole('button', { name: 'Settings' }).click();
    const dialog = page.getByRole('dialog', { name: 'Settings' });
    await dialog.getByLabel('Name').fill('Another name');
    await dialog.getByRole('button', { name: 'Save settings' }).click();
    await dialog
      .getByRole('alert')
      .filter({ hasText: needs('admin', 'read') })
      .waitFor();
    expect(await dialog.getByLabel('Name').inputValue()).toBe('Another name');
    await dialog.getByRole('button', { name: 'Check the stored key' }).click();
    await dialog
      .locator('.verdict')
      .filter({ hasText: needs('admin', 'read') })
      .waitFor();
    const kept = await server.as(server.admin, `/organizations/${OURS}`);
    expect(await kept.json()).toMatchObject({ name: `Clinic canary${OURS}` });
  });
});

test('a token that starts syncs retries the quarantine, and confirms no disappearance', async ({
  databaseUrl,
  page,
}) => {
  const server = await startGuardedServer(databaseUrl, { patients: 200 });
  await putJson((path, init) => server.as(server.admin, path, init), `/organizations/${OURS}`, {
    validation: { phone: 'reject' },
  });
  const dashboard = await openSignedIn(page, server.url, OURS, await server.token({ scope: 'sync' }));
  await dashboard.startFull.click();
  await dashboard.hasStatus('completed');
  for (const id of [...server.cliniko.people.ids()].slice(0, 40)) server.cliniko.people.hardDelete(id);
  await dashboard.startFull.click();
  const held = page.locator('.held');
  await held.getByRole('button', { name: 'Review' }).click();
  const dialog = page.getByRole('alertdialog');
  await dialog.getByRole('button', { name: 'Mark as missing' }).click();
  await dialog
    .getByRole('alert')
    .filter({ hasText: needs('admin', 'sync') })
    .waitFor();
  await dialog.getByRole('button', { name: 'Not now' }).click();
  await held.waitFor();

  await page.getByRole('button', { name: 'Retry' }).click();
  await page.locator('.retry-outcome').filter({ hasText: 'could be stored now' }).waitFor();
});

test('a token that only reads retries no quarantine', async ({ databaseUrl, page }) => {
  const server = await startGuardedServer(databaseUrl, { patients: 200 });
  await putJson((path, init) => server.as(server.admin, path, init), `/organizations/${OURS}`, {
    validation: { phone: 'reject' },
  });
  await startAs(server);
  const dashboard = await openSignedIn(page, server.url, OURS, await server.token());
  await dashboard.hasStatus('completed');
  await page.getByRole('button', { name: 'Retry' }).click();
  await refusedWith(page, needs('sync', 'read'));
});
