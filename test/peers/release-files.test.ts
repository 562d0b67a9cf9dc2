/** What `.ci/package` writes for a release, in a copy of the checkout: it builds packages that other tests use. */
import { execFile } from 'node:child_process';
import { cp, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { newFolder } from '../support/new-folder.ts';

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** As `npm ci` leaves it: the files of the repository, the packages and the build. */
async function copyOfCheckout(): Promise<string> {
  const copy = await newFolder();
  const files = 'git ls-files --cached --others --exclude-standard -z';
  await execute(
    'bash',
    ['-euo', 'pipefail', '-c', `${files} | xargs -0 cp --parents --target-directory "$0"`, copy],
    {
      cwd: ROOT,
    },
  );
  for (const built of ['dist', 'web-client/dist']) {
    await cp(join(ROOT, built), join(copy, built), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

test('.ci/package writes the archives, the SBOM, the notes and their checksums', async () => {
  const folder = await newFolder();
  await execute(join(await copyOfCheckout(), '.ci/package'), [folder]);
  const { version, dependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  expect((await readdir(folder)).sort()).toEqual([
    'NOTES.md',
    'SHA256SUMS',
    `cliniko-simulator-${version}.tgz`,
    `patient-sync-${version}.tgz`,
    `patient-sync-client-${version}.tgz`,
    'sbom.cdx.json',
  ]);
  const { stdout } = await execute('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder });
  expect(stdout.match(/: OK$/gm)).toHaveLength(5);

  const sbom = JSON.parse(await readFile(join(folder, 'sbom.cdx.json'), 'utf8'));
  const components: { name: string }[] = sbom.components;
  const names = components.map(({ name }) => name);
  expect(sbom.bomFormat).toBe('CycloneDX');
  expect(sbom.metadata.component).toMatchObject({ name: 'patient-sync', version });
  expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies)));
  expect(names).not.toContain('vitest');
  expect(await readFile(join(folder, 'NOTES.md'), 'utf8')).toContain('### Added');
});
