/** The guide about embedding, followed: its tag and styles in a page, and its token route in Express and in FastAPI. */
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, vi } from 'vitest';
import { startGuardedServer } from '../access/support/guarded-server.ts';
import { embedOn, startForeignPage } from '../browser/support/embed-page.ts';
import { test } from '../browser/support/test.ts';
import { readGuide } from '../docs/support/guides.ts';
import { codeBlock, run as finish, ROOT } from '../packaging/support/packed-package.ts';
import { freePort } from '../support/free-port.ts';
import { folder, run } from './support/program.ts';

const GUIDE = 'docs/guides/embed.md';

type Environment = NodeJS.ProcessEnv & { PORT: string };

/** A server with the token route of the guide. */
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

/** A page with the blocks of the guide. */
async function pageOfGuide(serverUrl: string): Promise<string> {
  const guide = await readGuide('guides/embed.md');
  const block = (language: string) =>
    new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(guide)?.[1] ?? '';
  const tag = block('html').replace('https://sync.example.com', serverUrl);
  expect(tag).toContain(serverUrl);
  const head = `<title>Panel</title><link rel="icon" href="data:,"><style>${block('css')}</style>`;
  return `<!doctype html><html lang="en"><head>${head}</head><body>${tag}</body></html>`;
}

describe.for(['Express', 'FastAPI'] as const)('the token route in %s', (framework) => {
  test('lets the tag of the guide follow a sync, in the look of the guide', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const PORT = String(await freePort());
    const panel = await startForeignPage();
    const server = await startGuardedServer(databaseUrl, {
      organizations: [123],
      patients: 100,
      config: { allowedOrigins: [panel.origin] },
    });
    const PATIENT_SYNC_TOKEN = await server.token({ organizations: [123] });
    await SERVERS[framework]({ ...process.env, PORT, PATIENT_SYNC_URL: server.url, PATIENT_SYNC_TOKEN });
    const url = `http://127.0.0.1:${PORT}/api/sync-token`;
    await vi.waitFor(() => fetch(url), 20_000);

    // The panel and its route are one server in the guide.
    await page.route(`${panel.origin}/api/sync-token`, (route) => route.continue({ url }));
    panel.serve(await pageOfGuide(server.url));
    await page.goto(panel.origin);
    const element = embedOn(page);
    await element.isOn('sse');
    await element.isConnected('live');
    const style = (name: string) =>
      element.box.evaluate((box, property) => getComputedStyle(box).getPropertyValue(property), name);
    expect(await style('border-radius')).toBe('0px');
    expect(await style('--tone')).toBe('rebeccapurple');
    expect(await element.connection.isVisible()).toBe(false);

    await server.as(server.admin, '/cliniko/sync-all/123', { method: 'POST' });
    await element.hasStatus('completed');
    expect(await element.text.textContent()).toBe('100 / 100 patients (100.0%)');
    expect(journal.consoleErrors).toEqual([]);
  });
});
