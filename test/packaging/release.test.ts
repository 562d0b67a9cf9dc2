/** What an installation of a release is made of. Installed and started for real: test/peers/release.test.ts. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { packRelease } from '../../packaging/release/pack.ts';
import { newFolder } from '../support/new-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const execute = promisify(execFile);

const Manifest = z.object({
  version: z.string(),
  scripts: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()).optional(),
});
const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      dev: z.boolean().optional(),
      optional: z.boolean().optional(),
      devOptional: z.boolean().optional(),
      link: z.boolean().optional(),
      resolved: z.string().optional(),
    }),
  ),
});

const read = (path: string) => readFile(path, 'utf8');
const manifestOf = async (folder: string) =>
  Manifest.parse(JSON.parse(await read(join(folder, 'package.json'))));

describe('a production installation', () => {
  test('is below 60 MB of packages beside the embedded PostgreSQL', async () => {
    const { packages } = Lock.parse(JSON.parse(await read(join(ROOT, 'package-lock.json'))));
    const paths = Object.entries(packages)
      .filter(([path, locked]) => path.startsWith('node_modules/') && !locked.dev && !locked.link)
      .filter(([, locked]) => !locked.optional && !locked.devOptional)
      .map(([path]) => path);
    expect(paths).toContain('node_modules/hono');
    // A nested package has its own entry.
    const sizes = await execute('du', ['-sk', '--exclude=node_modules/*/node_modules', ...paths], {
      cwd: ROOT,
    });
    const kilobytes = sizes.stdout
      .trim()
      .split('\n')
      .map((line) => Number.parseInt(line, 10));
    expect(kilobytes).toHaveLength(paths.length);
    expect(kilobytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(60_000);
  });

  test('installs exactly the packages that the built server imports', async () => {
    const files = (await readdir(join(ROOT, 'dist'), { recursive: true })).filter((name) =>
      name.endsWith('.js'),
    );
    const imported = new Set<string>();
    for (const file of files) {
      const text = await read(join(ROOT, 'dist', file));
      const imports = [
        ...text.matchAll(/^(?:import|export) (?:[^;"]* from )?"([^."][^"]*)";$/gm),
        ...text.matchAll(/\bimport\("([^."][^"]*)"\)/g),
      ];
      for (const [, name = ''] of imports) {
        imported.add(name.split('/', name.startsWith('@') ? 2 : 1).join('/'));
      }
    }
    const packages = [...imported].filter(
      (name) => !name.startsWith('node:') && !builtinModules.includes(name),
    );
    const { dependencies } = await manifestOf(ROOT);
    expect(packages.sort()).toEqual(Object.keys(dependencies).sort());
  });

  test('names the licence of everything that is bundled', async () => {
    const notices = (folder: string) => read(join(ROOT, folder, 'THIRD-PARTY-NOTICES.md'));
    const server = await notices('dist');
    for (const name of await readdir(join(ROOT, 'dist/vendor'))) expect(server).toContain(`## ${name} - `);
    expect(await read(join(ROOT, 'dist/LICENSE-Apache-2.0.txt'))).toContain('Apache License');
    // Entries without a text: the Unlicense asks for none, and the other text lies beside the notices.
    const bare = [...server.matchAll(/^## \S+ - \S+ \((.*)\)\n(?=\n## |$(?![\s\S]))/gm)];
    expect(bare.map(([, licence]) => licence)).toEqual(['Apache-2.0', 'Unlicense']);
  });
});

describe('the archive of a release', () => {
  test('contains the build and the locked versions, and no tools to build', async () => {
    const folder = await newFolder();
    await execute('tar', ['xzf', packRelease(folder)], { cwd: folder });
    const release = join(folder, 'package');
    expect((await readdir(release)).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'dist',
      'drizzle',
      'npm-shrinkwrap.json',
      'package.json',
      'packaging',
      'web-client',
    ]);
    const manifest = await manifestOf(release);
    expect(manifest.devDependencies).toBe(undefined);
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(['start', 'demo', 'db:migrate']));
    expect(Object.keys(manifest.scripts)).not.toContain('prepare');

    const locked = Lock.parse(JSON.parse(await read(join(release, 'npm-shrinkwrap.json'))));
    const entries = Object.values(locked.packages);
    expect(entries.filter(({ dev, link, resolved }) => dev || link || resolved)).toEqual([]);
    for (const [name, version] of Object.entries(manifest.dependencies)) {
      expect(locked.packages[`node_modules/${name}`]?.version).toBe(version);
    }
    const { stdout } = await execute('node', ['bin/patient-sync.js', '--help'], { cwd: release });
    expect(stdout).toContain('patient-sync <command>');
  });
});

test('the pages are built for production, also where NODE_ENV says otherwise', async () => {
  const folder = await newFolder();
  const env = { ...process.env, NODE_ENV: 'development' };
  const vite = join(ROOT, 'node_modules/vite/bin/vite.js');
  const options = ['--outDir', folder, '--emptyOutDir', '--logLevel', 'warn'];
  await execute(process.execPath, [vite, 'build', 'web-client', ...options], { cwd: ROOT, env });
  const files = await readdir(join(folder, 'assets'));
  // React's build for development names the source file of each element.
  const isForDevelopment = async (name: string) =>
    (await read(join(folder, 'assets', name))).includes('jsxDEV');
  const scripts = files.filter((name) => name.endsWith('.js'));
  expect(scripts.length).toBeGreaterThan(5);
  for (const script of scripts) expect([script, await isForDevelopment(script)]).toEqual([script, false]);
});

/** A checkout that has the script alone. */
async function newCheckout(): Promise<string> {
  const root = await newFolder();
  await cp(join(ROOT, 'packaging/release/prepare.js'), join(root, 'packaging/release/prepare.js'));
  return root;
}

const prepare = (root: string, npmCommand: string) =>
  execute('node', ['packaging/release/prepare.js'], {
    cwd: root,
    env: { ...process.env, npm_command: npmCommand },
  });

test('an installation without build tools succeeds, and prints how to get them', async () => {
  const { stdout } = await prepare(await newCheckout(), 'ci');
  expect(stdout).toContain('npm ci --include=dev');
});

test('the first npx in a checkout that is built does not build again below running servers', async () => {
  const root = await newCheckout();
  for (const path of ['dist/main.js', 'node_modules/vite/package.json']) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), '');
  }
  await expect(prepare(root, 'ci')).rejects.toThrow();
  expect(await prepare(root, 'exec')).toEqual({ stdout: '', stderr: '' });
});
