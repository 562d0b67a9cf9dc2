/** A program from Debian that runs for one test, and a folder for its files. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';

export async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'patient-sync-peers-'));
  await chmod(dir, 0o777);
  // A PostgreSQL that is ending may still write its last files.
  onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return dir;
}

export function run(
  program: string,
  args: readonly string[],
  options: { uid?: number; env?: NodeJS.ProcessEnv } = {},
): ChildProcessByStdio<null, Readable, Readable> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  // A program that nothing reads blocks once its pipe is full. Callers may listen too.
  child.stdout.resume();
  child.stderr.resume();
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  return child;
}
