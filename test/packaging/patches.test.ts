/** The patches reach every installation: a fresh one, one with an older patch, and the built server. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { applyPatches } from '../../patches/apply.ts';
import { newFolder } from '../support/new-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const execute = promisify(execFile);

/** As `npm ci --ignore-scripts` leaves it. */
async function unpatchedInstallation(): Promise<string> {
  const root = await newFolder();
  await cp(join(ROOT, 'node_modules/postgres'), join(root, 'node_modules/postgres'), { recursive: true });
  await cp(join(ROOT, 'patches'), join(root, 'patches'), { recursive: true });
  await execute('git', ['apply', '-R', 'patches/postgres+3.4.9.patch'], { cwd: root });
  return root;
}

const driver = (root: string) => readFile(join(root, 'node_modules/postgres/src/connection.js'), 'utf8');

describe('the patch of the driver', () => {
  test('turns an unpatched installation into ours, and is applied once', async () => {
    const root = await unpatchedInstallation();
    expect(await driver(root)).not.toBe(await driver(ROOT));
    applyPatches(root);
    expect(await driver(root)).toBe(await driver(ROOT));
    applyPatches(root);
    expect(await driver(root)).toBe(await driver(ROOT));
  });

  test('completes an installation that has a part of it', async () => {
    const root = await unpatchedInstallation();
    const path = join(root, 'node_modules/postgres/src/connection.js');
    const part = (await driver(root)).replace(
      '    clearImmediate(nextWriteTimer)\n    socket.removeListener',
      '    clearImmediate(nextWriteTimer)\n    chunk = nextWriteTimer = null\n    socket.removeListener',
    );
    await writeFile(path, part);
    applyPatches(root);
    expect(await driver(root)).toBe(await driver(ROOT));
  });

  test('does not fit another version of the driver, and reports that', async () => {
    const root = await newFolder();
    await mkdir(join(root, 'node_modules/postgres/src'), { recursive: true });
    await cp(join(ROOT, 'patches'), join(root, 'patches'), { recursive: true });
    await writeFile(join(root, 'node_modules/postgres/src/connection.js'), 'export default 4;\n');
    expect(() => applyPatches(root)).toThrow('postgres+3.4.9.patch does not fit');
  });

  test('is part of the build, which asks no installed driver', async () => {
    const built = (file: string) => readFile(join(ROOT, 'dist', file), 'utf8');
    expect(await built('vendor/postgres/src/connection.js')).toContain('CONNECTION_SILENT');
    expect(await built('database/driver.js')).toContain('"../vendor/postgres/src/index.js"');
    for (const file of ['database/open.js', 'events/listener.js', 'logging/safe-error.js']) {
      expect(await built(file)).not.toMatch(/from "postgres"/);
    }
  });
});

test('a command of a package without a build prints one line that names the problem', async () => {
  const root = await newFolder();
  await cp(join(ROOT, 'bin'), join(root, 'bin'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(root, 'package.json'));
  for (const command of ['start', 'demo', 'sync', 'watch', 'tokens']) {
    const ran = await execute('npm', ['run', '--silent', command], { cwd: root }).catch(
      (error: { code: number; stderr: string }) => error,
    );
    expect(ran).toMatchObject({
      code: 1,
      stderr: 'Patient Sync is not built (dist/ is missing). Run: npm ci --include=dev && npm run build\n',
    });
  }
});
