/** The pages on paper. */
import { expect, vi } from 'vitest';
import { connectInTest } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';
import { startRuns } from './support/external-runs.ts';
import { test } from './support/test.ts';

const CLINICS = 300;

test('the console prints every clinic, in dark letters', async ({ databaseUrl, page }) => {
  const server = await startTestServer(databaseUrl, { organizations: [] });
  const ids = Array.from({ length: CLINICS }, (_, index) => index + 1);
  await startRuns(connectInTest(databaseUrl), ids, 1_000);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(`${server.url}/ops`);
  await page.locator(`table[aria-rowcount="${CLINICS + 1}"]`).waitFor();
  const rows = page.locator('tbody tr');
  expect(await rows.count()).toBeLessThan(60);

  await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
  // Narrower than the screen, for which the rows have their height.
  await page.setViewportSize({ width: 718, height: 1_000 });
  await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
  expect(await rows.count()).toBe(CLINICS);
  const ends = await rows.evaluateAll((all) =>
    all.map((row) => row.getBoundingClientRect()).map(({ top, bottom }) => ({ top, bottom })),
  );
  const overlapping = ends.filter(({ top }, place) => top < (ends[place - 1]?.bottom ?? top) - 1);
  expect(overlapping).toEqual([]);
  const events = await page.locator('.tail').boundingBox();
  expect(events?.y).toBeGreaterThan(ends.at(-1)?.bottom ?? Number.POSITIVE_INFINITY);
  const lightness = await page
    .locator('h1')
    .evaluate((heading) => Math.max(...(getComputedStyle(heading).color.match(/\d+/g) ?? []).map(Number)));
  expect(lightness).toBeLessThan(80);
  expect(await page.getByRole('searchbox').count()).toBe(0);

  await page.emulateMedia({ colorScheme: 'dark', media: 'screen' });
  await page.evaluate(() => window.dispatchEvent(new Event('afterprint')));
  await vi.waitFor(async () => expect(await rows.count()).toBeLessThan(60));
});

test('the pages of a clinic print whole lists: paper cannot be scrolled', async ({ databaseUrl, page }) => {
  const server = await startTestServer(databaseUrl);
  const { id } = await wholeSync(server);
  for (const [address, sign] of [
    ['/?org=123', '.chart-scroller'],
    [`/?org=123&run=${id}`, '.run-json pre'],
  ] as const) {
    await page.goto(`${server.url}${address}`);
    await page.locator(sign).first().waitFor({ state: 'attached' });
    const scrollers = () =>
      page
        .locator('main *')
        .evaluateAll((all) =>
          all.filter((one) => getComputedStyle(one).overflowY === 'auto').map((one) => one.className),
        );
    expect(await scrollers()).not.toEqual([]);
    await page.emulateMedia({ media: 'print' });
    expect(await scrollers()).toEqual([]);
    await page.emulateMedia({ media: 'screen' });
  }
});
