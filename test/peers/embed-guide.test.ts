/** The guide about embedding, followed: its tag and styles in a page, and its token route in Express and in FastAPI. */
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import { startGuardedServer } from '../access/support/guarded-server.ts';
import { embedOn } from '../browser/support/embed-page.ts';
import { test } from '../browser/support/test.ts';
import { readGuide } from '../docs/support/guides.ts';
import { codeBlock, run as finish, ROOT } from '../packaging/support/packed-package.ts';
import { freePort } from './support/free-port.ts';
import { folder, run } from './support/program.ts';

const GUIDE = 'docs/guides/embed.md';

type Environment = NodeJS.ProcessEnv & { PORT: string };

/** The server of the page, with the token route of the guide. */
const SERVERS: Record<'Express' | 'FastAPI', (environment: Environment) => Promise<void>> = {
  async Express(env) {
    const project = join(await folder(), 'express-project');
    await cp(join(ROOT, 'test/peers/express-project'), project, { recursive: true });
    await finish('npm', ['ci', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'], project);
    await writeFile(join(project, 'server.js'), await codeBlock(GUIDE, 'express-server.js'));
    run(process.execPath, [join(project, 'server.js')], { env });
  },
  async FastAPI(env) {
    const project = await folder();
    await writeFile(join(project, 'fastapi_server.py'), await codeBlock(GUIDE, 'fastapi_server.py'));
    const options = ['--app-dir', project, '--host', '127.0.0.1', '--port', env.PORT];
    // Debian's own Python: a machine may have another one, without its packages.
    run('/usr/bin/python3', ['-m', 'uvicorn', 'fastapi_server:app', ...options], { env });
  },
};

/** A page with the blocks of the guide, at the origin of its server; all other requests reach that server. */
async function servePage(page: Page, origin: string, serverUrl: string): Promise<void> {
  const guide = await readGuide('guides/embed.md');
  const block = (language: string) =>
    new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(guide)?.[1] ?? '';
  const tag = block('html').replace('https://sync.example.com', serverUrl);
  expect(tag).toContain(serverUrl);
  const head = `<title>Panel</title><link rel="icon" href="data:,"><style>${block('css')}</style>`;
  await page.route(`${origin}/panel`, (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<!doctype html><html lang="en"><head>${head}</head><body>${tag}</body></html>`,
    }),
  );
}

describe.for(['Express', 'FastAPI'] as const)('the token route in %s', (framework) => {
  test('lets the tag of the guide follow a sync, in the look of the guide', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const PORT = String(await freePort());
    const origin = `http://127.0.0.1:${PORT}`;
    const server = await startGuardedServer(databaseUrl, {
      organizations: [123],
      config: { allowedOrigins: [origin] },
    });
    const PATIENT_SYNC_TOKEN = await server.token({ organizations: [123] });
    await SERVERS[framework]({ ...process.env, PORT, PATIENT_SYNC_URL: server.url, PATIENT_SYNC_TOKEN });
    await vi.waitFor(() => fetch(origin), 20_000);

    await servePage(page, origin, server.url);
    await page.goto(`${origin}/panel`);
    const element = embedOn(page);
    await element.isOn('sse');
    await element.box.and(page.locator('[data-connection="live"]')).waitFor();
    await server.as(server.admin, '/cliniko/sync-all/123', { method: 'POST' });
    await element.hasStatus('completed');
    expect(await element.text.textContent()).toBe('648 / 648 patients (100.0%)');
    expect(await element.connection.isVisible()).toBe(false);
    const style = (name: string) =>
      element.box.evaluate((box, property) => getComputedStyle(box).getPropertyValue(property), name);
    expect(await style('border-radius')).toBe('0px');
    expect(await style('--tone')).toContain('rebeccapurple');
    expect(journal.consoleErrors).toEqual([]);
  });
});
