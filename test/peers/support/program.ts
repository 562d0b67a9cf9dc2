/** A program from Debian that runs for one test, and a folder for its files. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'patient-sync-peers-'));
  await chmod(dir, 0o777);
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export function run(
  program: string,
  args: readonly string[],
  options: { uid?: number; env?: NodeJS.ProcessEnv } = {},
): ChildProcess {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  return child;
}
