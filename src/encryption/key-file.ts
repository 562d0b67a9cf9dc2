/** The key that seals Cliniko keys: `CREDENTIALS_KEY`, or a key created once beside the embedded database. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SEALING_KEY_BYTES } from './sealer.ts';

/** @returns the key in `<dataDir>/credentials.key` (mode 0600, base64), which is created when it is missing */
export async function readOrMakeCredentialsKey(dataDir: string): Promise<Buffer> {
  const file = join(dataDir, 'credentials.key');
  const known = await readKey(file);
  if (known !== undefined) return known;
  await mkdir(dataDir, { recursive: true });
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, randomBytes(SEALING_KEY_BYTES).toString('base64'), { mode: 0o600 });
  // A link appears complete, and only once: two servers that start together both use the key of the first.
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(draft);
  const made = await readKey(file);
  if (made === undefined) throw new Error(`${file} was just made and cannot be read.`);
  return made;
}

async function readKey(file: string): Promise<Buffer | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const key = Buffer.from(text, 'base64');
  if (key.length === SEALING_KEY_BYTES) return key;
  throw new Error(
    `${file} is not a key of 32 bytes in base64. Restore it from a backup: it opens the stored API keys.`,
  );
}
