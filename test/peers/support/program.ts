/** A program from Debian that runs for one test, and a folder for its files. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { newFolder } from '../../support/new-folder.ts';

/** Programs of any account write their files in it. */
export const folder = (): Promise<string> => newFolder({ mode: 0o777 });

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
