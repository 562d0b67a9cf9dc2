/**
 * The packed client in a Next.js project: built, rendered on its server, and connected in a browser with a stream token
 * that the project's own route requests.
 *
 * The project installs Next.js from the npm registry or npm's cache, locked in next-project/. It is not a package of this
 * repository, because Next.js takes 340 MB.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { startGuardedServer } from '../access/support/guarded-server.ts';
import { embedOn } from '../browser/support/embed-page.ts';
import { test } from '../browser/support/test.ts';
import { codeBlock, packPackage, ROOT, run } from '../packaging/support/packed-package.ts';
import { freePort } from '../support/free-port.ts';

const README = 'packaging/client/README.md';

/** A component of the package in a component of the server, and the components of the README. */
const PAGE = `import { SyncProgress } from 'patient-sync-client/react';
import { ClinicSync, OwnClinicSync } from './ClinicSync.jsx';
export default function Page() {
  return <main><SyncProgress orgId={124} label="Other" /><ClinicSync /><OwnClinicSync /></main>;
}
`;

const guardedPage = (baseUrl: string) => `'use client';
import { SyncProgress } from 'patient-sync-client/react';
const getStreamToken = async () => (await (await fetch('/api/sync-token', { method: 'POST' })).json()).token;
export default function Page() {
  return <SyncProgress orgId={123} baseUrl="${baseUrl}" getStreamToken={getStreamToken} />;
}
`;

async function nextProject(baseUrl: string): Promise<string> {
  const packed = await packPackage('packaging/client', 'build:client');
  onTestFinished(packed.remove);
  const project = join(packed.folder, 'next-project');
  await cp(join(ROOT, 'test/peers/next-project'), project, { recursive: true });
  const files = {
    'app/layout.jsx':
      'export default ({ children }) => <html lang="en"><head><link rel="icon" href="data:," /></head><body>{children}</body></html>;',
    'app/page.jsx': PAGE,
    'app/guarded/page.jsx': guardedPage(baseUrl),
    'app/ClinicSync.jsx': await codeBlock(README, 'ClinicSync.jsx'),
    'app/api/sync-token/route.js': await codeBlock(README, 'app/api/sync-token/route.js'),
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(project, path)), { recursive: true });
    await writeFile(join(project, path), text);
  }
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', ['ci', '--prefer-offline', ...quiet], project);
  await run('npm', ['install', '--offline', '--no-save', ...quiet, packed.tarball], project);
  await run('npm', ['run', 'build'], project, { NEXT_TELEMETRY_DISABLED: '1' });
  return project;
}

async function startNext(project: string, port: number, environment: NodeJS.ProcessEnv): Promise<void> {
  const args = ['node_modules/next/dist/bin/next', 'start', '--hostname', '127.0.0.1', '--port', `${port}`];
  const env = { ...process.env, NODE_ENV: undefined, NEXT_TELEMETRY_DISABLED: '1', ...environment };
  const child = spawn(process.execPath, args, { cwd: project, env, stdio: 'ignore' });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  await vi.waitFor(async () => expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200));
}

describe('the packed client in a Next.js project', () => {
  test('is rendered by its server and follows a server with accounts in the browser', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const server = await startGuardedServer(databaseUrl, {
      organizations: [123],
      config: { allowedOrigins: [origin] },
    });
    const token = await server.token({ organizations: [123] });
    const project = await nextProject(server.url);
    await startNext(project, port, { PATIENT_SYNC_URL: server.url, PATIENT_SYNC_TOKEN: token });

    const html = await (await fetch(`${origin}/`)).text();
    expect(/<main>.*<\/main>/s.exec(html)?.[0]).toMatch(
      /^<main><sync-progress org="124" label="Other"><\/sync-progress><sync-progress org="123" src="https:\/\/sync\.example\.com"><\/sync-progress><section data-connection="connecting"><progress/,
    );

    await page.goto(`${origin}/guarded`);
    const element = embedOn(page);
    await element.isOn('sse');
    await element.isConnected('live');
    await server.as(server.admin, '/cliniko/sync-all/123', { method: 'POST' });
    await element.hasStatus('completed');
    expect(await element.text.textContent()).toBe('648 / 648 patients (100.0%)');
    expect(journal.consoleErrors).toEqual([]);
  }, 300_000);
});
