/**
 * The promises of all pages: no external resources, no violation of their own policy, small size, a layout for every screen and
 * for long words, forced colours, and nothing old in what a screen reader announces.
 */
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import { connectInTest } from '../support/database.ts';
import { putJson, startTestServer, type TestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';
import { forcedColourFaults } from './support/forced-colours.ts';
import { cutTexts } from './support/layout.ts';
import { test } from './support/test.ts';

/** Each with a sign that it is drawn; both runs have ended. */
const PAGES: Record<string, string> = {
  '/?org=123': '.runs-scroller tbody tr:nth-child(2)',
  // A clinic without a key.
  '/?org=124': '.title-warning',
  '/?org=123&run=1': '.outcome .pill',
  '/?org=123&run=2': '.outcome .pill',
  '/?org=123&view=patients': '.patients li',
  '/?org=123&view=check': '.check-list li',
  '/ops': '.ops tbody .pill',
  '/notifications': '.endpoints .pill',
  '/?org=': '.registered-link',
  '/docs': 'article',
  '/no-such-page': 'h1',
};

const LONG_WORD = 'Donaudampfschifffahrtsgesellschaftskapitaenspraxisverwaltungsgemeinschaftshauses';

/** A clinic with a name of 80 letters whose last run failed with an error of one word. */
async function startLongWords(databaseUrl: string): Promise<TestServer> {
  const server = await startTestServer(databaseUrl, { patients: 60 });
  await putJson(server.api, '/organizations/123', {
    name: LONG_WORD,
    validation: { phone: 'reject', email: 'require' },
    schedule: { cron: '0 2 * * *', time_zone: 'Australia/Sydney' },
  });
  await putJson(server.api, '/organizations/124', { name: LONG_WORD });
  await wholeSync(server);
  const sql = connectInTest(databaseUrl);
  await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at, error_details, metadata)
    values (123, 'full_patients', 'failed', now(), now(), ${LONG_WORD.repeat(3)}, '{"error_type": "CLINIKO_UNAVAILABLE"}')`;
  const endpoint = { url: `https://hooks.example.com/${LONG_WORD}`, kind: 'slack', events: ['sync.failed'] };
  const body = JSON.stringify({ ...endpoint, organizations: [123] });
  const created = await server.api('/webhooks', { method: 'POST', body });
  expect(created.status).toBe(201);
  return server;
}

async function open(page: Page, server: TestServer, path: string) {
  const answer = await page.goto(server.url + path);
  await page
    .locator(PAGES[path] ?? '')
    .first()
    .waitFor();
  await page.waitForLoadState('load');
  return answer;
}

describe('all pages', () => {
  test('send no request to other origins, and follow their Content-Security-Policy', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const server = await startLongWords(databaseUrl);
    for (const path of Object.keys(PAGES)) {
      const answer = await open(page, server, path);
      const policy = answer?.headers()['content-security-policy'] ?? '';
      expect(policy, path).toContain("default-src 'none'");
      expect(policy, path).not.toContain('unsafe');
    }
    const { host } = new URL(server.url);
    expect(journal.requests.filter((url) => new URL(url).host !== host)).toEqual([]);
    expect(journal.consoleErrors).toEqual([expect.stringContaining('404 (Not Found)')]);
  });

  test('never scroll sideways and cut no long word, from a phone to a wall display', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startLongWords(databaseUrl);
    for (const path of Object.keys(PAGES)) {
      await page.setViewportSize({ width: 1280, height: 800 });
      await open(page, server, path);
      for (const width of [320, 360, 640, 768, 1024, 1280, 1920, 3840]) {
        await page.setViewportSize({ width, height: 800 });
        // The charts are drawn again a moment after the page has another size.
        await vi.waitFor(
          async () => {
            const overflow = await page.evaluate(
              () => document.documentElement.scrollWidth - window.innerWidth,
            );
            expect(overflow, `${path} at ${width} pixels`).toBeLessThanOrEqual(0);
            expect(await cutTexts(page), `${path} at ${width} pixels`).toEqual([]);
          },
          { timeout: 10_000 },
        );
      }
    }
  });

  test('never scroll sideways on the smallest phone with letters of twice the size', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startLongWords(databaseUrl);
    await page.setViewportSize({ width: 320, height: 640 });
    for (const path of Object.keys(PAGES)) {
      await open(page, server, path);
      await page.evaluate(() => {
        document.documentElement.style.fontSize = '200%';
      });
      await vi.waitFor(
        async () => {
          const width = await page.evaluate(() => document.documentElement.scrollWidth);
          expect(width, path).toBeLessThanOrEqual(320);
        },
        { timeout: 10_000 },
      );
    }
  });

  test('show the beginning of a name that is read from right to left', async ({ databaseUrl, page }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    const name = 'عيادة النور للعلاج الطبيعي والتأهيل وطب الأسرة والأسنان في مدينة الإسكندرية الكبرى';
    await putJson(server.api, '/organizations/123', { name });
    await wholeSync(server);
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${server.url}/ops`);
    for (const place of ['.ops-name a', '.tail-lines a']) {
      const link = page.locator(place).filter({ hasText: name }).first();
      await link.waitFor();
      const [first, box] = await link.evaluate((element) => {
        const range = document.createRange();
        range.setStart(element.firstChild ?? element, 0);
        range.setEnd(element.firstChild ?? element, 1);
        const [letter, whole] = [range.getBoundingClientRect(), element.getBoundingClientRect()];
        return [letter.right, whole.right];
      });
      expect(await link.evaluate(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth), place).toBe(
        true,
      );
      expect(first, place).toBeLessThanOrEqual((box ?? 0) + 1);
    }
  });

  test('show in forced colours what is filled, pressed, current or a field, and announce nothing old', async ({
    databaseUrl,
    page,
  }) => {
    const server = await startLongWords(databaseUrl);
    await page.emulateMedia({ forcedColors: 'active' });
    await page.addInitScript(() => {
      const announced: string[] = [];
      Object.assign(globalThis, { announced });
      new MutationObserver((changes) => {
        for (const { target, addedNodes } of changes) {
          const alerts = [...addedNodes].filter(
            (node) => node instanceof Element && node.matches('[role="alert"]'),
          );
          const element = target instanceof Element ? target : target.parentElement;
          // The state of the connection and the number of found patients are new.
          const region = element?.closest(
            '[role="status"]:not(.badge, .patients-count), [role="alert"], [aria-live]',
          );
          const texts = [region, ...alerts].map((node) => node?.textContent ?? '');
          announced.push(...texts.filter((text) => text !== ''));
        }
      }).observe(document, { subtree: true, childList: true, characterData: true });
    });
    let checked = 0;
    for (const path of Object.keys(PAGES)) {
      await open(page, server, path);
      const { faults, elements } = await forcedColourFaults(page);
      expect(faults, path).toEqual([]);
      checked += elements;
      expect(await page.evaluate(() => Reflect.get(globalThis, 'announced')), path).toEqual([]);
    }
    // Buttons, chips, fields and the current page of the navigation.
    expect(checked).toBeGreaterThan(20);
  });
});

test.each([
  ['index', '.sync-monitor'],
  ['ops', '.ops-head'],
  ['notifications', '.endpoint'],
  ['sign-in', '.sign-in'],
  ['not-found', '.not-found'],
])('the built page "%s" has one style sheet: shared, own, then forced colours', async (name, own) => {
  const built = new URL('../../web-client/dist/', import.meta.url);
  const html = await readFile(new URL(`${name}.html`, built), 'utf8');
  const sheets = [...html.matchAll(/href="([^"]+\.css)"/g)].map(([, path = '']) => path);
  expect(sheets).toHaveLength(1);
  const css = await readFile(new URL(sheets[0] ?? '', built), 'utf8');
  expect(css.indexOf(own)).toBeGreaterThan(css.indexOf('.btn-primary'));
  expect(css.lastIndexOf('forced-colors')).toBeGreaterThan(css.lastIndexOf(own));
});

const FIRST_LOAD_AT_MOST = 200_000;

test('the dashboard loads less than 200 KB, its font and its charts included', async ({
  databaseUrl,
  page,
}) => {
  const server = await startTestServer(databaseUrl);
  await server.api('/cliniko/sync-all/123', { method: 'POST' });
  const parts: Promise<[path: string, bytes: number]>[] = [];
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (pathname !== '/' && !pathname.startsWith('/assets/')) return;
    // A font is compressed already.
    parts.push(
      response.body().then((body) => [pathname, Math.min(body.length, gzipSync(body, { level: 9 }).length)]),
    );
  });
  await page.goto(`${server.url}/?org=123`);
  await page.locator('.plot svg').nth(2).waitFor();
  await page.evaluate(() => document.fonts.ready);
  const sizes = await Promise.all(parts);
  const kinds = new Set(sizes.map(([path]) => path.slice(path.lastIndexOf('.'))));
  expect([...kinds]).toEqual(expect.arrayContaining(['.js', '.css', '.woff2']));
  const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
  expect(total, JSON.stringify(sizes)).toBeLessThan(FIRST_LOAD_AT_MOST);
});
