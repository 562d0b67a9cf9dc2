/** `<sync-progress>` in bare HTML pages of another origin, in a real browser, against a real server and a simulated Cliniko. */
import { gzipSync } from 'node:zlib';
import { describe, expect, vi } from 'vitest';
import { StreamToken } from '#contract/access.ts';
import { OURS, startGuardedServer, THEIRS } from '../access/support/guarded-server.ts';
import { holdLaterPages } from '../support/held-page.ts';
import { putJson, startTestServer } from '../support/server.ts';
import { embedHtml, embedOn, startForeignPage } from './support/embed-page.ts';
import { test } from './support/test.ts';

const SCRIPT = '/embed/sync-progress.js';

describe('the script', () => {
  test('is one file of less than 30 KB, for pages of any origin', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const response = await fetch(`${server.url}${SCRIPT}`, { headers: { origin: 'https://admin.example' } });
    const script = await response.text();
    expect(gzipSync(script).length).toBeLessThan(30_000);
    expect(script).not.toMatch(/\bimport\s*\(|\bimport\s*["'{*]|\beval\(|new Function/);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': 'public, max-age=300, stale-while-revalidate=86400',
    });

    const etag = response.headers.get('etag') ?? '';
    const again = await fetch(`${server.url}${SCRIPT}`, { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect(again.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
  });
});

describe('the element on a page of another origin', () => {
  test('shows a whole sync live, sends requests only to its server, and follows a strict policy', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const panel = await startForeignPage();
    const server = await startTestServer(databaseUrl, {
      config: { allowedOrigins: [panel.origin], cliniko: { concurrency: 1 } },
    });
    const letEachGo = holdLaterPages(server);
    const policy = `default-src 'none'; img-src data:; script-src ${server.url}; connect-src ${server.url}`;
    panel.serve(embedHtml(server.url, 'org="123"'), { 'content-security-policy': policy });
    await page.goto(panel.origin);
    const embed = embedOn(page);
    await embed.isOn('sse');
    await embed.hasStatus('none');
    expect(await embed.step.textContent()).toBe('No sync yet.');
    expect(await embed.announcer.textContent()).toBe('');
    const [barValues, announcements] = [await embed.recordBar(), await embed.recordAnnouncements()];
    await page.evaluate(() => {
      document.addEventListener('sync-end', (event) => {
        document.title = event instanceof CustomEvent ? `ended: ${event.detail.log.status}` : 'no detail';
      });
    });

    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await embed.hasStatus('running');
    await letEachGo(barValues);
    await embed.hasStatus('completed');
    expect(await embed.bar.getAttribute('aria-valuenow')).toBe('100');
    expect(await embed.bar.getAttribute('aria-valuetext')).toBe('648 / 648 patients (100.0%)');
    expect(await embed.text.textContent()).toBe('648 / 648 patients (100.0%)');
    expect(await embed.step.textContent()).toBe('✅ Sync completed! 648 patients updated');
    expect(await page.title()).toBe('ended: completed');

    const values = await barValues();
    expect(values).toEqual([...values].sort((one, other) => one - other));
    expect(values.length).toBeGreaterThan(5);
    const words = await announcements();
    expect(words.length, words.join(' | ')).toBeLessThanOrEqual(6);
    expect(words.at(-1)).toBe('Sync completed. 648 patients updated.');
    const others = journal.requests.filter(
      (url) => ![server.url, panel.origin, 'data:,'].some((own) => url.startsWith(own)),
    );
    expect(others).toEqual([]);
    expect(journal.requests.filter((url) => url.startsWith(server.url))).toEqual([
      `${server.url}${SCRIPT}`,
      `${server.url}/api/v1/cliniko/sync-logs/123/events`,
    ]);
    expect(journal.consoleErrors).toEqual([]);
  });

  test('polls across origins where both streams are blocked, without a body for an unchanged state', async ({
    databaseUrl,
    page,
  }) => {
    const panel = await startForeignPage();
    const server = await startTestServer(databaseUrl, { config: { allowedOrigins: [panel.origin] } });
    await page.route('**/events*', (route) => route.abort());
    await page.routeWebSocket('**/ws*', (socket) => socket.close());
    const statuses: number[] = [];
    page.on('response', (response) => {
      if (response.url().endsWith('limit=1') && response.request().method() === 'GET') {
        statuses.push(response.status());
      }
    });
    panel.serve(embedHtml(server.url, `org="123" src="${server.url}/"`));
    await page.goto(panel.origin);
    const embed = embedOn(page);
    await embed.isOn('poll');
    await vi.waitFor(() => expect(statuses.slice(0, 2)).toEqual([200, 304]), { timeout: 10_000 });
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await embed.hasStatus('completed');
    expect(await embed.text.textContent()).toBe('648 / 648 patients (100.0%)');
  });

  test('gets no data when its page is not in ALLOWED_ORIGINS, shows that it is offline, and says why on the console', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const panel = await startForeignPage();
    const server = await startTestServer(databaseUrl);
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    panel.serve(embedHtml(server.url, 'org="123"'));
    await page.goto(panel.origin);
    const embed = embedOn(page);
    await embed.isConnected('offline');
    expect(await embed.connection.textContent()).toMatch(/^Offline since \d/);
    expect(await embed.text.textContent()).toBe('');
    expect(await embed.step.textContent()).toBe('The server does not answer.');
    expect(await embed.bar.getAttribute('aria-valuenow')).toBeNull();
    const reason = `<sync-progress>: ${server.url} does not allow pages of ${panel.origin}. Add this origin to ALLOWED_ORIGINS of the server.`;
    await vi.waitFor(() => expect(journal.consoleErrors).toContain(reason));
  });

  test('starts a sync, counts a wait down, and has the texts and the direction of its page', async ({
    databaseUrl,
    page,
  }) => {
    const panel = await startForeignPage();
    const server = await startTestServer(databaseUrl, { config: { allowedOrigins: [panel.origin] } });
    const texts = `<script>addEventListener('DOMContentLoaded', () => {
      document.documentElement.dir = 'rtl';
      document.querySelector('sync-progress').texts = {
        label: 'مزامنة المرضى', live: 'مباشر', never: 'لا توجد مزامنة بعد', start: 'ابدأ',
        nextAttempt: (ms) => 'المحاولة التالية ' + Math.ceil(ms / 1000),
        ended: (log) => 'انتهت ' + log.records_success,
      };
      document.addEventListener('sync-start', (event) => window.isRefused && event.preventDefault());
    });</script>`;
    panel.serve(embedHtml(server.url, 'org="123" start', texts));
    await page.goto(panel.origin);
    const embed = embedOn(page);
    const bar = page.getByRole('progressbar', { name: 'مزامنة المرضى' });
    await page.locator('sync-progress .box[data-state="never"]').waitFor();
    await embed.isOn('sse');
    expect(await embed.connection.textContent()).toBe('مباشر');
    expect(await embed.step.textContent()).toBe('لا توجد مزامنة بعد');
    expect(await bar.getAttribute('aria-valuetext')).toBe('لا توجد مزامنة بعد');

    const start = page.getByRole('button', { name: 'ابدأ' });
    await page.evaluate(() => Object.assign(globalThis, { isRefused: true }));
    await start.click();
    await page.evaluate(() => Object.assign(globalThis, { isRefused: false }));
    expect(await (await server.api('/cliniko/sync-logs/123')).json()).toMatchObject({ total_logs: 0 });
    await page.route('**/sync-all/123', (route) => route.abort());
    await start.click();
    await embed.problem.filter({ hasText: /./ }).waitFor();
    const refusal = await embed.problem.textContent();
    await vi.waitFor(async () => expect(await embed.announcer.textContent()).toBe(refusal));
    await page.unroute('**/sync-all/123');
    server.cliniko.faults.onPage(3, { kind: 'rate-limited', reset: 5, times: 1 });
    await start.click();
    const remaining = page.locator('sync-progress .remaining');
    await remaining.filter({ hasText: /^المحاولة التالية \d+$/ }).waitFor();
    const first = await remaining.textContent();
    expect(await start.getAttribute('aria-disabled')).toBe('true');
    await vi.waitFor(async () => expect(await remaining.textContent()).not.toBe(first), { timeout: 5_000 });
    // The numbers keep their order beside words that are read from right to left.
    expect(await embed.text.evaluate((text) => getComputedStyle(text).unicodeBidi)).toBe('isolate');
    await embed.hasStatus('completed');
    await embed.announcer.filter({ hasText: 'انتهت 648' }).waitFor({ state: 'attached' });
    expect(await start.getAttribute('aria-disabled')).toBe('false');
  });

  test('shows the failure and its solution', async ({ databaseUrl, page }) => {
    const panel = await startForeignPage();
    const server = await startTestServer(databaseUrl, { config: { allowedOrigins: [panel.origin] } });
    await putJson(server.api, '/organizations/123', { validation: { phone: 'reject', email: 'require' } });
    panel.serve(embedHtml(server.url, 'org="123"'));
    await page.goto(panel.origin);
    const embed = embedOn(page);
    await embed.isOn('sse');
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await embed.hasStatus('completed');
    expect(await embed.problem.textContent()).toMatch(/success rate\. \d+ patients had errors\.$/);

    server.cliniko.behaviour.access = 'unauthorised';
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await embed.hasStatus('failed');
    const message = 'Invalid Cliniko credentials. Please update your API settings.';
    expect(await embed.problem.textContent()).toBe(message);
    expect(await embed.announcer.textContent()).toBe(message);
  });
});

describe('the properties of the element', () => {
  /** Like pages that are faster than the script: the script loads after the page has set the properties. */
  const lateScript = (serverUrl: string, script: string): string =>
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Admin panel</title><link rel="icon" href="data:,"></head>
<body><main><h1>Our clinics</h1><sync-progress></sync-progress></main><script>
const element = document.querySelector('sync-progress');
${script}
const tag = document.createElement('script');
tag.src = '${serverUrl}/embed/sync-progress.js';
document.head.append(tag);
</script></body></html>`;

  const tokenScript = (token: string): string => `(() => Promise.resolve(${JSON.stringify(token)}))`;

  test('apply when they were set before the script loaded, and reconnect when they are set later', async ({
    databaseUrl,
    page,
  }) => {
    const panel = await startForeignPage();
    const server = await startGuardedServer(databaseUrl, { config: { allowedOrigins: [panel.origin] } });
    const streamTokenFor = async (organizations: number[]): Promise<string> => {
      const token = await server.token({ organizations });
      const body = JSON.stringify({ organizations });
      const response = await server.as(token, '/stream-tokens', { method: 'POST', body });
      return StreamToken.parse(await response.json()).token;
    };
    const [ours, theirs] = [await streamTokenFor([OURS]), await streamTokenFor([THEIRS])];
    panel.serve(
      lateScript(
        server.url,
        `element.getStreamToken = ${tokenScript(ours)}; element.org = ${OURS}; element.label = 'Ours';`,
      ),
    );
    await page.goto(panel.origin);
    const embed = embedOn(page);
    await embed.isConnected('live');
    await page.getByRole('progressbar', { name: 'Ours' }).waitFor();

    await page.evaluate(
      ([id]) => Object.assign(document.querySelector('sync-progress') ?? {}, { org: id }),
      [THEIRS],
    );
    await embed.isConnected('offline');
    await page.evaluate(
      ([token]) =>
        Object.assign(document.querySelector('sync-progress') ?? {}, {
          getStreamToken: () => Promise.resolve(token),
        }),
      [theirs],
    );
    await embed.isConnected('live');
  });
});

describe('the style of the element', () => {
  const THEME = `<style>:root { color-scheme: light dark } sync-progress { --sync-progress-accent: rgb(1, 2, 3); --sync-progress-height: 20px }
    sync-progress::part(label) { letter-spacing: 3px }</style>`;

  test('takes colours and measures from the page, and follows its dark mode and reduced motion', async ({
    databaseUrl,
    page,
  }) => {
    const panel = await startForeignPage();
    const server = await startTestServer(databaseUrl, {
      latencyMs: 100,
      config: { allowedOrigins: [panel.origin] },
    });
    panel.serve(embedHtml(server.url, 'org="123" label="Harbour Street"', THEME));
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await page.goto(panel.origin);
    const embed = embedOn(page);
    await page.getByRole('progressbar', { name: 'Harbour Street' }).waitFor();
    const styleOf = (part: string, property: string) =>
      page
        .locator(`sync-progress .${part}`)
        .evaluate((element, name) => getComputedStyle(element).getPropertyValue(name), property);
    expect(await styleOf('fill', 'background-color')).toBe('rgb(1, 2, 3)');
    expect(await styleOf('bar', 'height')).toBe('20px');
    expect(await styleOf('label', 'letter-spacing')).toBe('3px');
    expect(await styleOf('fill', 'transition-duration')).toBe('0s');
    const light = await styleOf('box', 'background-color');
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'no-preference' });
    expect(await styleOf('box', 'background-color')).not.toBe(light);
    expect(await styleOf('fill', 'transition-duration')).toBe('0.3s');
    await embed.isOn('sse');
  });

  test('fits into a narrow column, and reports incorrect use', async ({ databaseUrl, page }) => {
    const panel = await startForeignPage();
    const server = await startTestServer(databaseUrl, { config: { allowedOrigins: [panel.origin] } });
    panel.serve(embedHtml(server.url, 'org="12x" style="width: 180px"'));
    await page.goto(panel.origin);
    const embed = embedOn(page);
    await embed.problem.filter({ hasText: 'The attribute "org" must be the id' }).waitFor();
    const overflow = await embed.box.evaluate((box) => box.scrollWidth - box.clientWidth);
    expect(overflow).toBeLessThanOrEqual(0);

    const element = page.locator('sync-progress');
    await element.evaluate((tag) => tag.setAttribute('org', '123'));
    await embed.step.filter({ hasText: 'No sync yet.' }).waitFor();
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await embed.announcer.filter({ hasText: 'Sync completed.' }).waitFor();
    await element.evaluate((tag) => tag.removeAttribute('org'));
    await embed.problem.filter({ hasText: 'The attribute "org" must be the id' }).waitFor();
    // Nothing of the other organization stays.
    expect(await embed.step.textContent()).toBe('');
    expect(await embed.connection.textContent()).toBe('');
    expect(await embed.announcer.textContent()).toBe('');
  });
});
