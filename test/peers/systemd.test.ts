/** The unit of systemd, judged by systemd itself. It is not started: the machine of a test may run under something else. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { newFolder } from '../support/new-folder.ts';

const execute = promisify(execFile);
const UNIT = fileURLToPath(new URL('../../packaging/patient-sync.service', import.meta.url));

/** With the Node.js of this machine: systemd looks whether the program is there. */
async function unitFile(change: (text: string) => string = (text) => text): Promise<string> {
  const folder = await newFolder();
  const file = join(folder, 'patient-sync.service');
  const text = (await readFile(UNIT, 'utf8')).replace('/usr/bin/node', process.execPath);
  await writeFile(file, change(text));
  return file;
}

const verify = async (file: string) =>
  (await execute('systemd-analyze', ['verify', '--man=no', file])).stderr;

describe('the unit of systemd', () => {
  test('is understood to the last line', async () => {
    expect(await verify(await unitFile())).toBe('');
    const misspelt = await unitFile((text) => text.replace('ProtectHome=', 'ProtectHomes='));
    expect(await verify(misspelt)).toContain('ProtectHomes');
  });

  test('has no limit after which a service without its database is not started again', async () => {
    const text = await readFile(UNIT, 'utf8');
    expect(text).toMatch(/^\[Unit\]\n(?:[^[].*\n|\n)*StartLimitIntervalSec=0\n/m);
    expect(text).toMatch(/^Restart=on-failure$/m);
    // In another section systemd would ignore it, and say so.
    const misplaced = await unitFile((unit) =>
      unit.replace('StartLimitIntervalSec=0\n', '').concat('StartLimitIntervalSec=0\n'),
    );
    expect(await verify(misplaced)).toContain('StartLimitIntervalSec');
  });

  test('leaves the service hardly any right (an exposure below 3 of 10)', async () => {
    const file = await unitFile();
    const { stdout } = await execute('systemd-analyze', [
      'security',
      '--offline=true',
      '--threshold=30',
      file,
    ]);
    expect(stdout).toMatch(/Overall exposure level for patient-sync\.service: [012]\.\d OK/);
  });
});
