/** A folder that the end of the test removes. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** @param mode default: for this account only. 0o755: PostgreSQL, which runs as another account, reaches its data in it */
export async function newFolder({ parent = tmpdir(), mode = 0o700 } = {}): Promise<string> {
  const folder = await mkdtemp(join(parent, 'patient-sync-test-'));
  // A program that is ending may still write its last files.
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  await chmod(folder, mode);
  return folder;
}
