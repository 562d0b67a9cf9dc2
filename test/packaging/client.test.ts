/** The client library as others get it: built, packed, installed in an empty folder, and used from Node there. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished } from 'vitest';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const PROGRAM = `
import * as library from 'patient-sync-client';
const [baseUrl] = process.argv.slice(2);
const refuse = () => ({ addEventListener: (type, listener) => type === 'error' && setTimeout(listener, 0), close() {} });
const onState = ({ log, percent }) => {
  if (log?.status !== 'completed') return;
  console.log(JSON.stringify({ status: log.status, percent, stored: log.records_success }));
  process.exit(0);
};
if (library.createLiveClient) library.createLiveClient({ baseUrl }).watchOrganization(123, onState);
else library.watchOrganization(123, { baseUrl, onState, openEventSource: refuse });
`;

async function installed(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'patient-sync-client-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await execute('npm', ['run', 'build:client'], { cwd: ROOT });
  const part = join(ROOT, 'packaging/client');
  await execute('npm', ['pack', '--ignore-scripts', '--pack-destination', folder, part], { cwd: folder });
  const packed = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  expect(packed).toHaveLength(1);
  await writeFile(join(folder, 'package.json'), '{"type": "module", "private": true}');
  // Without the network and without other packages: it has no dependencies.
  await execute(
    'npm',
    ['install', '--offline', '--no-audit', '--no-fund', ...packed.map((name) => join(folder, name))],
    { cwd: folder },
  );
  return folder;
}

describe('the client library', () => {
  test('installs in an empty folder, and tells there how a sync ended', async ({ databaseUrl }) => {
    const folder = await installed();
    const server = await startTestServer(databaseUrl, { patients: 30 });
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await stream.until((sent) => sent.length === 2);
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await stream.until(hasEnded);
    await writeFile(join(folder, 'watch.js'), PROGRAM);

    const { stdout } = await execute('node', ['watch.js', server.url], { cwd: folder, timeout: 20_000 });
    expect(JSON.parse(stdout)).toEqual({ status: 'completed', percent: 100, stored: 30 });

    const package_ = join(folder, 'node_modules/patient-sync-client');
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    expect(JSON.parse(await readFile(join(package_, 'package.json'), 'utf8'))).toMatchObject({ version });
    expect((await readdir(package_)).sort()).toEqual(['README.md', 'dist', 'package.json']);
    await checkTypes(folder);
    // npm and two compilers run here.
  }, 120_000);
});

/** With the compiler of this project, under the strictest settings of a stranger. */
async function checkTypes(folder: string): Promise<void> {
  await writeFile(
    join(folder, 'use.ts'),
    `import type { LiveClient, OrganizationWatch } from 'patient-sync-client';
export const end = (watch: OrganizationWatch): void => watch.stop();
// @ts-expect-error: a watch has no such thing
export const none = (watch: OrganizationWatch): unknown => watch.nothing;
export const follow = (client: LiveClient): OrganizationWatch =>
  client.watchOrganization(123, ({ log }) => {
    const stored: number | undefined = log?.records_success;
    // @ts-expect-error: it is a number, and not anything
    const text: string | undefined = log?.records_success;
    console.log(stored, text);
  });
`,
  );
  const settings = [
    '--strict',
    '--noEmit',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2023,dom',
  ];
  await execute(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...settings, 'use.ts'], {
    cwd: folder,
  }).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
}
