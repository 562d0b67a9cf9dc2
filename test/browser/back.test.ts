/** Back leads to the place in a long list that the reader left, however late the list arrives. */
import type { Locator, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import { connectInTest } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { openDashboard } from './support/dashboard.ts';
import { test } from './support/test.ts';

async function addRuns(databaseUrl: string, organizations: number[], runs: number): Promise<void> {
  await connectInTest(databaseUrl)`
    insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
    select id, 'full_patients', 'completed', now() - run * interval '1 hour', now() - run * interval '1 hour'
    from unnest(${organizations}::int[]) as id cross join generate_series(1, ${runs}) as run`;
}

async function isOnScreen(page: Page, row: Locator): Promise<void> {
  await vi.waitFor(
    async () => {
      const box = await row.boundingBox();
      const height = page.viewportSize()?.height ?? 0;
      expect(box?.y).toBeGreaterThan(0);
      expect(box?.y).toBeLessThan(height);
    },
    { timeout: 10_000 },
  );
}

test('from a run: the older runs and the filter are those that the reader chose', async ({
  databaseUrl,
  page,
}) => {
  const server = await startTestServer(databaseUrl);
  await addRuns(databaseUrl, [123], 55);
  await openDashboard(page, server.url);
  const rows = page.locator('.runs tbody tr');
  await page.getByLabel('State').selectOption('completed');
  for (const count of [20, 40, 55]) {
    await page.getByRole('button', { name: 'Show older runs' }).click();
    await vi.waitFor(async () => expect(await rows.count()).toBe(count));
  }
  await rows.nth(50).locator('a').click();
  await page.getByRole('heading', { name: /^Run / }).waitFor();

  await page.goBack();
  await vi.waitFor(async () => expect(await rows.count()).toBe(55), 10_000);
  expect(await page.getByLabel('State').inputValue()).toBe('completed');
  await isOnScreen(page, rows.nth(50));

  await page.reload();
  await vi.waitFor(async () => expect(await rows.count()).toBe(55), 10_000);
  await isOnScreen(page, rows.nth(50));
});

test('from a run: the filter stays that of a page whose settings were open', async ({
  databaseUrl,
  page,
}) => {
  const server = await startTestServer(databaseUrl);
  await addRuns(databaseUrl, [123], 3);
  await openDashboard(page, server.url);
  await page.getByLabel('State').selectOption('completed');
  await page.getByRole('button', { name: 'Settings' }).click();
  const dialog = page.getByRole('dialog', { name: 'Settings' });
  await dialog.getByRole('tab', { name: 'Schedule' }).click();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.locator('.runs tbody a').first().click();
  await page.getByRole('heading', { name: /^Run / }).waitFor();

  await page.goBack();
  await page.locator('.runs tbody tr').first().waitFor();
  expect(await page.getByLabel('State').inputValue()).toBe('completed');
});

test('from a clinic: the row of the ops console is on the screen', async ({ databaseUrl, page }) => {
  const organizations = Array.from({ length: 80 }, (_, index) => index + 1);
  const server = await startTestServer(databaseUrl, { organizations });
  await addRuns(databaseUrl, organizations, 1);
  await page.goto(`${server.url}/ops`);
  await page.locator('tbody tr').nth(10).waitFor();
  await page.mouse.move(600, 400);
  await page.mouse.wheel(0, 100_000);
  const row = page.locator('tr[data-organization="70"]');
  await row.locator('a').first().click();
  await page.getByRole('heading', { name: 'Clinic 70' }).waitFor();

  await page.goBack();
  await isOnScreen(page, row);
});
