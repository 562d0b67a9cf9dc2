/** Scripts as users of the old service have them, run unchanged but for the address, the organization and the token. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect } from 'vitest';
import { NEW, test } from '../legacy/support/old-service.ts';

const execute = promisify(execFile);
const FOLDER = new URL('old-clients/', import.meta.url).pathname;

describe('a script of the old service', () => {
  test.for([
    ['python3', 'start_and_wait.py', 'SYNC COMPLETED: 60 patients'],
    ['python3', 'check_everything.py', 'PASS services'],
    ['bash', 'monitor.sh', 'SUCCESS'],
  ] as const)('%s %s reaches its success', async ([program, file, words], { service }) => {
    const token = await service.token({ scope: 'sync', organizations: [NEW] });
    const { stdout } = await execute(program, [`${FOLDER}${file}`, service.url, String(NEW), token], {
      timeout: 50_000,
    });
    expect(stdout).toContain(words);
    expect(stdout).not.toMatch(/FAIL|unknown|None|null/);
  });
});
