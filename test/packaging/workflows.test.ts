/**
 * The workflows of GitHub: they run commands that exist, with few rights, and build what a release needs.
 * test/peers/release-files.test.ts runs .ci/package.
 */
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string) => readFile(join(ROOT, file), 'utf8');

const Step = z.object({ uses: z.string().optional(), run: z.string().optional() });
const Workflow = z.object({
  permissions: z.strictObject({ contents: z.literal('read') }),
  jobs: z.record(
    z.string(),
    z.looseObject({
      uses: z.string().optional(),
      container: z.string().optional(),
      permissions: z.record(z.string(), z.string()).default({}),
      steps: z.array(Step).default([]),
    }),
  ),
});
const workflow = async (name: string) => Workflow.parse(parse(await read(`.github/workflows/${name}.yml`)));
const commandsOf = (job: { steps: z.infer<typeof Step>[] } | undefined) =>
  (job?.steps ?? []).flatMap(({ run }) => run ?? []).join('\n');

describe('the workflow', () => {
  test('of CI runs the command of this repository, on the Node and the Debian of the image', async () => {
    const { jobs } = await workflow('ci');
    expect(Object.keys(jobs)).toEqual(['test']);
    expect(commandsOf(jobs.test)).toContain('.ci/run');
    const [, base = ''] = /^FROM (\S+)-slim$/m.exec(await read('Dockerfile')) ?? [];
    expect(jobs.test?.container).toBe(base);
  });

  test('of a release tests first, builds for both architectures, and records digests', async () => {
    const { jobs } = await workflow('release');
    expect(jobs.ci?.uses).toBe('./.github/workflows/ci.yml');
    expect(jobs.archives).toMatchObject({ needs: 'ci', permissions: { contents: 'write' } });
    expect(commandsOf(jobs.archives)).toContain('.ci/package release');
    expect(jobs.image).toMatchObject({ needs: 'archives' });
    const image = commandsOf(jobs.image);
    expect(image).toContain('--platform linux/amd64,linux/arm64');
    expect(image).toContain('image-digests.txt');
    // The command that finds the base image in the Dockerfile finds one with a full version.
    const [command = ''] = /sed --quiet .*Dockerfile/.exec(image) ?? [];
    const { stdout } = await execute('bash', ['-euc', command], { cwd: ROOT });
    expect(stdout).toMatch(/^node:\d+\.\d+\.\d+-\w+-slim\n$/);
  });

  test('pins the major version of each action, and starts only files that may be executed', async () => {
    for (const name of ['ci', 'release']) {
      const steps = Object.values((await workflow(name)).jobs).flatMap((job) => job.steps);
      for (const { uses, run } of steps) {
        if (uses !== undefined) expect(uses).toMatch(/^(?:actions|docker)\/[a-z-]+@v\d+$/);
        for (const [file] of (run ?? '').matchAll(/\.ci\/\w+/g)) {
          expect((await stat(join(ROOT, file))).mode & 0o111, file).not.toBe(0);
        }
      }
    }
  });
});
