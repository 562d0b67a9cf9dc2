/** The ops console by keyboard, and with more organizations than fit on a screen. */
import { describe, expect, vi } from 'vitest';
import { SyncLog } from '#contract/sync-log.ts';
import { connectInTest } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { startRuns, stepRuns } from './support/external-runs.ts';
import { test } from './support/test.ts';

describe('the ops console', () => {
  test('works by keyboard: down, up, open, cancel, help', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { organizations: [1, 2, 3] });
    server.cliniko.faults.onPage(3, { kind: 'hang' });
    await server.api('/cliniko/sync-all/2', { method: 'POST' });
    await page.goto(`${server.url}/ops`);
    const focused = () => page.evaluate(() => document.activeElement?.closest('tr')?.dataset.organization);
    await page.locator('tr[data-organization="2"][data-status="running"]').waitFor();
    await vi.waitFor(async () => expect(await page.locator('tbody tr').count()).toBe(3));

    await page.getByLabel('Select Clinic 2').waitFor();
    await page.keyboard.press('j');
    expect(await focused()).toBe('2');
    await page.keyboard.press('j');
    expect(await focused()).toBe('1');
    await page.keyboard.press('k');
    await page.keyboard.press('c');
    const question = page.getByRole('dialog', { name: 'Cancel the sync of 1 clinic?' });
    await question.getByRole('button', { name: 'Cancel sync' }).click();
    await page.locator('tr[data-organization="2"] .ops-note', { hasText: 'Cancelled' }).waitFor();
    const log = SyncLog.parse(await (await server.api('/cliniko/sync-logs/2/1')).json());
    expect(log.metadata.error_type).toBe('SYNC_CANCELLED');

    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /Clinic \d/, level: 1 }).waitFor();
  });

  test('lists 500 organizations, with only the visible rows in the document', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const sql = connectInTest(databaseUrl);
    const ids = Array.from({ length: 500 }, (_, index) => index + 1);
    await startRuns(sql, ids, 1_000);
    await page.goto(`${server.url}/ops`);
    await page.locator('table[aria-rowcount="501"]').waitFor();
    await stepRuns(sql, ids, 1);
    expect(await page.locator('tbody tr').count()).toBeLessThan(60);

    for (let press = 0; press < 30; press += 1) await page.keyboard.press('j');
    await vi.waitFor(async () => {
      const place = await page.evaluate(() => document.activeElement?.closest('tr')?.ariaRowIndex);
      expect(place).toBe('31');
    });
    // The bar of the selection covers no row that the keyboard reaches.
    await page.keyboard.press('x');
    await page.locator('.bulk-bar').waitFor();
    for (let press = 0; press < 30; press += 1) await page.keyboard.press('j');
    await vi.waitFor(async () => {
      const [place, rowEnd, barStart] = await page.evaluate(() => {
        const row = document.activeElement?.closest('tr');
        const box = (element?: Element | null) => element?.getBoundingClientRect();
        return [row?.ariaRowIndex, box(row)?.bottom, box(document.querySelector('.bulk-bar'))?.top];
      });
      expect(place).toBe('61');
      expect(rowEnd).toBeLessThan(Number(barStart));
    });
    await page.keyboard.press('/');
    await page.keyboard.type('organization 500');
    await page.getByText('1 of 500 organizations').waitFor();
  });
});
