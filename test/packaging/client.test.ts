/** The client package as others get it: packed, installed in empty projects without the network, and used there. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import type { Page } from 'playwright-core';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { z } from 'zod';
import { startGuardedServer } from '../access/support/guarded-server.ts';
import { embedOn } from '../browser/support/embed-page.ts';
import { test } from '../browser/support/test.ts';
import { startTestServer } from '../support/server.ts';
import { BASE, buildProject, reactProject, vueProject } from './support/framework-projects.ts';
import {
  checkTypes,
  codeBlock,
  newProject,
  type PackedPackage,
  packPackage,
  ROOT,
  run,
  runTool,
} from './support/packed-package.ts';

const README = 'packaging/client/README.md';
const GUIDE = 'docs/guides/embed.md';
const ENTRIES = ['patient-sync-client', 'patient-sync-client/element'];

/** Imports and requires what needs no framework, where there is no document. */
const LOAD = `
const required = require(process.argv[2]);
import(process.argv[2]).then((imported) => {
  if (imported.default !== undefined || Object.keys(imported).some((name) => imported[name] !== required[name])) throw new Error('not the same');
  console.log(Object.keys(imported).join());
});
`;

const TYPES = `import { createLiveClient, followPatientChanges, type OrganizationWatch } from 'patient-sync-client';
import { SyncProgressElement } from 'patient-sync-client/element';
export const end = (watch: OrganizationWatch): void => watch.stop();
// @ts-expect-error: a watch has no such thing
export const none = (watch: OrganizationWatch): unknown => watch.nothing;
createLiveClient({ baseUrl: '' }).watchOrganization(123, ({ log }) => {
  const stored: number | undefined = log?.records_success;
  // @ts-expect-error: it is a number, and not anything
  const text: string | undefined = log?.records_success;
  console.log(stored, text);
});
document.createElement('sync-progress').addEventListener('sync-end', ({ detail }) => detail.log?.status);
export async function follow(): Promise<void> {
  for await (const { kind, position } of followPatientChanges(123, { baseUrl: '' })) {
    const isErased: boolean = kind === 'erased';
    // @ts-expect-error: a kind that does not exist
    console.log(isErased, position satisfies string, kind === 'renamed');
  }
}
export const page = (element: unknown): boolean => element instanceof SyncProgressElement;
`;

/** The token route of the guide and the README, and a client in the place of the page that calls it. */
const GUARDED = `
import { createLiveClient } from 'patient-sync-client';
import { POST } from './route.js';
const getStreamToken = async () => (await (await POST()).json()).token;
const client = createLiveClient({ baseUrl: process.env.PATIENT_SYNC_URL, getStreamToken });
client.watchOrganization(123, (state, connection) => {
  if (!state.isKnown || connection.kind !== 'live') return;
  console.log(JSON.stringify({ transport: connection.transport, log: state.log }));
  process.exit(0);
});
`;

let packed: PackedPackage;
let plain: string;

beforeAll(async () => {
  packed = await packPackage('packaging/client', 'build:client');
  plain = await newProject(packed, 'plain-project', [], {
    'load.cjs': LOAD,
    'types.ts': TYPES,
    'plain.js': await codeBlock(README, 'plain.js'),
    'route.js': await codeBlock(GUIDE, 'app/api/sync-token/route.js'),
    'guarded.js': GUARDED,
    'index.html': '<script type="module" src="/text.js"></script>',
    'text.js': "import { stepText } from 'patient-sync-client'; document.title = stepText(null);",
  });
});
afterAll(() => packed?.remove());

describe('the packed client', () => {
  test('has what its manifest names, and nothing that tools for packages object to', async () => {
    const tarball = await readFile(packed.tarball);
    const { messages } = await publint({ pack: { tarball: new Uint8Array(tarball).buffer }, strict: true });
    expect(messages).toEqual([]);
    const checked = await checkPackage(createPackageFromTarballData(tarball));
    const problems = 'problems' in checked ? checked.problems : [];
    // Node.js requires ES modules since 20.19, and only older ones resolve without "exports".
    const accepted = problems.filter(
      (problem) =>
        problem.kind !== 'CJSResolvesToESM' &&
        !('resolutionKind' in problem && problem.resolutionKind === 'node10') &&
        !('entrypoint' in problem && problem.entrypoint.endsWith('.json')),
    );
    expect(checked.types).toMatchObject({ kind: 'included' });
    expect(accepted).toEqual([]);

    const installed = join(plain, 'node_modules/patient-sync-client');
    expect((await readdir(installed)).sort()).toEqual([
      'LICENSE',
      'README.md',
      'custom-elements.json',
      'dist',
      'package.json',
    ]);
    const manifest = async (path: string) => JSON.parse(await readFile(path, 'utf8'));
    const { version, dependencies } = await manifest(join(installed, 'package.json'));
    expect({ version, dependencies }).toEqual({
      version: (await manifest(join(ROOT, 'package.json'))).version,
    });
    const license = (folder: string) => readFile(join(folder, 'LICENSE'), 'utf8');
    expect(await license(installed)).toBe(await license(ROOT));
  });

  test('loads without a document, by import and by require, and has types', async () => {
    const names = await Promise.all(ENTRIES.map((entry) => run('node', ['load.cjs', entry], plain)));
    expect(names.map((line) => line.trim())).toEqual([
      'PatientChangesLostError,PatientChangesRefusedError,createLiveClient,followPatientChanges,problemText,stepText',
      'SyncProgressElement',
    ]);
    await checkTypes(plain, 'nodenext', ['types.ts']);
  });

  test('costs a page only what it imports', async () => {
    await runTool('vite/bin/vite.js', ['build', '--logLevel', 'warn', '--outDir', 'text'], plain);
    const [script = ''] = await readdir(join(plain, 'text/assets'));
    const { size } = await stat(join(plain, 'text/assets', script));
    expect(size).toBeLessThan(3_000);
  });

  test('follows a server with accounts from Node, with the token route of the guide and of its README', async ({
    databaseUrl,
  }) => {
    const route = 'app/api/sync-token/route.js';
    expect(await codeBlock(README, route)).toBe(await codeBlock(GUIDE, route));
    const server = await startGuardedServer(databaseUrl, { organizations: [123], patients: 30 });
    const token = await server.token({ organizations: [123] });
    const environment = { PATIENT_SYNC_URL: server.url, PATIENT_SYNC_TOKEN: token };
    const seen = JSON.parse(await run('node', ['guarded.js'], plain, environment));
    expect(seen).toEqual({ transport: 'sse', log: null });
  });
});

describe('the packed client in a framework', () => {
  test('shows a sync in a React project and in a Vue project, whose servers render them too', async ({
    databaseUrl,
    page,
    journal,
  }) => {
    const [react, vue] = await Promise.all([reactProject(packed), vueProject(packed)]);
    await Promise.all([buildProject(react, 'server.jsx'), buildProject(vue, 'server.js')]);
    await Promise.all([
      checkTypes(react, 'bundler', ['types.tsx', 'ClinicTag.tsx']),
      checkTypes(vue, 'bundler', ['types.ts']),
    ]);
    const [reactHtml, vueHtml] = await Promise.all(
      [react, vue].map((project) => run('node', ['server/server.js'], project)),
    );
    expect(reactHtml).toMatch(
      /^<sync-progress org="123" src=""><\/sync-progress><section data-connection="connecting"><progress/,
    );
    expect(vueHtml).toMatch(/^<section data-connection="connecting"><progress/);
    // The components of the guide, for a server with accounts.
    expect(reactHtml).toContain(
      '<sync-progress org="123" src="https://sync.example.com"></sync-progress><output data-connection="connecting">0.0',
    );
    expect(vueHtml).toContain('\n<output data-connection="connecting">0.0 %</output>');

    const server = await startTestServer(databaseUrl, { latencyMs: 50 });
    await openBuilt(page, server.url, react);
    await page.locator('section[data-connection="live"]').waitFor();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.locator('section p', { hasText: '✅ Sync completed! 648 patients updated' }).waitFor();
    const element = embedOn(page);
    await element.hasStatus('completed');
    expect(await element.bar.getAttribute('aria-valuenow')).toBe('100');
    await expectManifest(page);

    await openBuilt(page, server.url, vue);
    await page.locator('section[data-connection="live"]').waitFor();
    await page.locator('section p', { hasText: '✅ Sync completed! 648 patients updated' }).waitFor();
    expect(await page.getByRole('progressbar', { name: 'Sync' }).getAttribute('value')).toBe('100');
    const started = page.waitForResponse((response) => response.request().method() === 'POST');
    await page.getByRole('button', { name: 'Start' }).click();
    expect((await started).status()).toBe(200);
    expect(journal.consoleErrors).toEqual([]);
  });
});

/** Serves the built page of a project from the origin of the server. */
async function openBuilt(page: Page, serverUrl: string, project: string): Promise<void> {
  await page.unrouteAll();
  await page.route(`**${BASE}**`, async (route) => {
    const path = new URL(route.request().url()).pathname.slice(BASE.length) || 'index.html';
    await route.fulfill({ path: join(project, 'dist', path) });
  });
  await page.goto(`${serverUrl}${BASE}`);
}

const Named = z.array(z.object({ name: z.string() })).transform((list) => list.map(({ name }) => name));
const Manifest = z.object({
  modules: z.tuple([
    z.object({
      declarations: z.tuple([z.object({ attributes: Named, cssParts: Named, cssProperties: Named })]),
    }),
  ]),
});

/** custom-elements.json names what the element has. */
async function expectManifest(page: Page): Promise<void> {
  const text = await readFile(join(ROOT, 'packaging/client/custom-elements.json'), 'utf8');
  const [{ declarations }] = Manifest.parse(JSON.parse(text)).modules;
  const real = await page.locator('sync-progress').evaluate((element) => {
    const root = element.shadowRoot;
    const sheet = root?.adoptedStyleSheets[0];
    const css = [...(sheet?.cssRules ?? [])].map((rule) => rule.cssText).join('\n');
    const parts = [...(root?.querySelectorAll('[part]') ?? [])].map((part) => part.getAttribute('part'));
    return {
      attributes: Reflect.get(element.constructor, 'observedAttributes'),
      cssParts: [...new Set(parts)].sort(),
      cssProperties: [...new Set(css.match(/--sync-progress-\w+/g))].sort(),
    };
  });
  const [declared] = declarations;
  expect(real).toEqual({
    attributes: declared.attributes,
    cssParts: declared.cssParts.sort(),
    cssProperties: declared.cssProperties.sort(),
  });
}
