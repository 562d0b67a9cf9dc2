/** Files with secrets, as the README and compose make them: never in the repository, never in an image, read by their owner only. */
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { newFolder } from '../support/new-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

const SECRETS = [
  '.env',
  '.env.production',
  'packaging/.env.local',
  'credentials.key',
  'backup/credentials.key',
];

test.for(SECRETS)('%s is ignored by git', async (file) => {
  const { stdout } = await run('git', ['check-ignore', '--no-index', file], { cwd: ROOT });
  expect(stdout.trim()).toBe(file);
});

test('environment files and keys are not sent to the builder of an image', async () => {
  const lines = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).split('\n');
  expect(lines).toEqual(expect.arrayContaining(['**/.env*', '**/*.key']));
});

test('the recipe of the README makes a key that only its owner can read', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const recipe = readme.split('\n').find((line) => line.includes('> credentials.key')) ?? '';
  const folder = await newFolder();
  await run('sh', ['-c', `umask 022; ${recipe}`], { cwd: folder });
  const { mode } = await stat(join(folder, 'credentials.key'));
  expect((mode & 0o777).toString(8)).toBe('600');
});
