/**
 * Applies the patches of this folder to `node_modules`, hunk by hunk. What is applied already stays as it is.
 *
 * The build and the tests call it, so an installation without scripts (`npm ci --ignore-scripts`) gets the patches too. A hunk
 * counts as applied when its new lines are there, so a tree with an older version of a patch is brought up to date.
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Hunk {
  before: string;
  after: string;
}

interface PatchedFile {
  path: string;
  hunks: Hunk[];
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** @throws when a patch does not fit the installed package; nothing of that file has changed then */
export function applyPatches(root = ROOT): void {
  const folder = join(root, 'patches');
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.patch'))) {
    for (const { path, hunks } of parsePatch(readFileSync(join(folder, name), 'utf8'))) {
      patchFile(join(root, path), hunks, name);
    }
  }
}

function patchFile(path: string, hunks: readonly Hunk[], name: string): void {
  // Another version may lack the file.
  const original = existsSync(path) ? readFileSync(path, 'utf8') : '';
  let text = original;
  for (const { before, after } of hunks) {
    if (text.includes(after)) continue;
    if (text.split(before).length !== 2) {
      throw new Error(`patches/${name} does not fit ${path}. Install the version that its name says: npm ci`);
    }
    text = text.replace(before, () => after);
  }
  if (text === original) return;
  // Two builds may run at once: a reader sees the old file or the new one.
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}

/** The files of a unified diff, each with its hunks as the text before and after. */
function parsePatch(patch: string): PatchedFile[] {
  const files: PatchedFile[] = [];
  for (const line of patch.split('\n')) {
    const hunk = files.at(-1)?.hunks.at(-1);
    if (line.startsWith('+++ b/')) files.push({ path: line.slice('+++ b/'.length), hunks: [] });
    else if (line.startsWith('@@')) files.at(-1)?.hunks.push({ before: '', after: '' });
    else if (hunk !== undefined && /^[ +-](?!-- a\/)/.test(line)) {
      if (line[0] !== '+') hunk.before += `${line.slice(1)}\n`;
      if (line[0] !== '-') hunk.after += `${line.slice(1)}\n`;
    }
  }
  return files;
}
