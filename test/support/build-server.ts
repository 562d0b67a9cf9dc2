/**
 * Builds the server when its sources are newer than `dist/`. Tests that start processes run the built files: they need a
 * third of the processor time of `tsx` to start, and they are what users run.
 *
 * Called before the first test only: a build empties `dist/`, so a server that starts just then lacks a file.
 */
import { readdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS = ['src', 'patches'];
const CONFIGURATION = 'vite.server.config.ts';
/** Written by each build. */
const RESULT = 'dist/main.js';

/** The built file of a command of the server, such as `main` or `cli/tokens`. */
export const builtEntry = (name: string): string => `${ROOT}dist/${name}.js`;

export async function buildServerWhenStale(): Promise<void> {
  const builtAt = await changedAt(RESULT).catch(() => 0);
  const sources = await Promise.all(FOLDERS.map(filesBelow));
  const times = await Promise.all([CONFIGURATION, ...sources.flat()].map(changedAt));
  if (times.every((time) => time <= builtAt)) return;
  await build({ root: ROOT, configFile: `${ROOT}${CONFIGURATION}`, logLevel: 'warn' });
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(`${ROOT}${folder}`, { recursive: true });
  return entries.map((entry) => `${folder}/${entry}`);
}

const changedAt = async (file: string): Promise<number> => (await stat(`${ROOT}${file}`)).mtimeMs;
