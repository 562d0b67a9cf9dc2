/** The PostgreSQL programs where npm installs them, and the fallback when they are unusable there. */
import { execFile } from 'node:child_process';
import { chmod, cp, lstat, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { test as base, describe, expect } from 'vitest';
import { usableNative } from '../../src/embedded-postgres/binaries.ts';

const run = promisify(execFile);
/** An account other than that of the tests and the one that PostgreSQL runs as. */
const OTHER_ACCOUNT = { uid: 64_000, gid: 64_000 };

/** A copy of the platform package as `npm ci --ignore-scripts` leaves it: without the links. */
const test = base.extend<{ folders: { installed: string; native: string; copies: string } }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the dependencies of a fixture from this pattern.
  folders: async ({}, use) => {
    const dir = await mkdtemp(join(tmpdir(), 'binaries-test-'));
    await chmod(dir, 0o755);
    const installed = join(dir, 'node_modules');
    await mkdir(installed);
    await cp(join(platformPackage(), 'package.json'), join(installed, 'package.json'));
    const native = join(installed, 'native');
    await cp(join(platformPackage(), 'native'), native, { recursive: true, verbatimSymlinks: true });
    for (const link of await links(native)) await rm(link, { force: true });
    await use({ installed, native, copies: join(dir, 'copies') });
    await chmod(join(native, 'lib'), 0o755);
    await rm(dir, { recursive: true });
  },
});

describe('the programs', () => {
  test('are used in place, after missing links are created', async ({ folders }) => {
    expect(await usableNative(folders.native, undefined, folders.copies)).toBe(folders.native);
    for (const link of await links(folders.native)) expect((await lstat(link)).isSymbolicLink()).toBe(true);
    const { stdout } = await run(join(folders.native, 'bin', 'postgres'), ['--version']);
    expect(stdout).toContain('PostgreSQL');
  });

  test('are copied once to a folder where the other user can run them', async ({ folders }) => {
    await chmod(folders.installed, 0o700);
    const [copy, second] = await Promise.all([
      usableNative(folders.native, OTHER_ACCOUNT, folders.copies),
      usableNative(folders.native, OTHER_ACCOUNT, folders.copies),
    ]);
    expect(second).toBe(copy);
    expect(dirname(copy)).toBe(folders.copies);
    const identity = process.getuid?.() === 0 ? OTHER_ACCOUNT : {};
    const { stdout } = await run(join(copy, 'bin', 'postgres'), ['--version'], { ...identity, cwd: copy });
    expect(stdout).toContain('PostgreSQL');
  });

  test.runIf(process.getuid?.() !== 0)('are copied when the links cannot be created', async ({ folders }) => {
    await chmod(join(folders.native, 'lib'), 0o555);
    const copy = await usableNative(folders.native, undefined, folders.copies);
    expect(dirname(copy)).toBe(folders.copies);
    await run(join(copy, 'bin', 'initdb'), ['--version']);
  });
});

function platformPackage(): string {
  const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return dirname(dirname(createRequire(embedded).resolve(`@embedded-postgres/${platform}-${process.arch}`)));
}

async function links(native: string): Promise<string[]> {
  const list: { target: string }[] = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'));
  return list.map(({ target }) => join(dirname(native), target));
}
