/**
 * The location of the embedded database: `<dataDir>/postgres`, with `data` (the cluster), `password` and `log` in it.
 *
 * Started by root, PostgreSQL runs as another user, which may be unable to enter the data directory (below /root, or in a
 * `mktemp -d`). Then `<dataDir>/postgres` is a symbolic link to a separate folder below /var/lib/patient-sync. The link, not
 * the path, connects the two: a data directory that was deleted and created again starts with an empty database, and one
 * that was moved keeps its database. Nothing that may hold data is ever removed here.
 *
 * Not here: the content of the cluster (cluster.ts).
 */
import { createHash, randomBytes } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import {
  access,
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorCode } from '../logging/safe-error.ts';
import { withoutSecrets } from '../logging/without-secrets.ts';
import { EmbeddedDatabaseError } from './error.ts';
import { accountFor, canReach, ENTER, makeEnterable, type OsAccount } from './os-account.ts';
import { isClusterRunning } from './postmaster.ts';

/** A directory that every account can enter; only root uses it. */
export const ROOT_DATA_DIRECTORY = '/var/lib/patient-sync';

export interface DataDirectory {
  /** Without symbolic links, so that PostgreSQL and this program use the same path. */
  dir: string;
  account: OsAccount;
  /** What an operator should know about the location of the data. */
  notice: string | undefined;
}

export async function openDataDirectory(dataDir: string): Promise<DataDirectory> {
  const root = resolve(dataDir);
  await requireWritable(root, dataDir);
  const path = join(root, 'postgres');
  const files = join(path, 'data');
  const account = await accountFor(files, () => isClusterRunning(files));
  const notice =
    account === undefined
      ? await createOwnDirectory(path)
      : await createReachableDirectory(root, path, account);
  const dir = await realpath(path);
  if (!(await canReach(account, dir, ENTER))) {
    throw new EmbeddedDatabaseError(
      `PostgreSQL runs as user ${account?.uid} and cannot enter ${dir}. Let others pass through the directories above it (chmod o+x), or choose another DATA_DIR.`,
    );
  }
  return { dir, account, notice };
}

/** Creates one level at a time: where no folder can be created (below /proc, for example) a recursive `mkdir` never returns. */
async function requireWritable(root: string, dataDir: string): Promise<void> {
  const missing: string[] = [];
  for (let at = root; !existsSync(at); at = dirname(at)) missing.unshift(at);
  try {
    for (const folder of missing) {
      await mkdir(folder).catch((error: unknown) => {
        // A second server may be creating the same folder.
        if (errorCode(error) !== 'EEXIST') throw error;
      });
    }
    await access(root, constants.W_OK | constants.X_OK);
    if (!(await stat(root)).isDirectory()) throw new Error('It is a file.');
  } catch (cause) {
    const shown = JSON.stringify(withoutSecrets(dataDir).slice(0, 100));
    throw new EmbeddedDatabaseError(
      `DATA_DIR must be a folder that this user can make and write to; it was ${shown}.`,
      { cause },
    );
  }
}

async function createOwnDirectory(path: string): Promise<undefined> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/** Returns the notice for a location outside the data directory. */
async function createReachableDirectory(
  root: string,
  path: string,
  account: OsAccount,
): Promise<string | undefined> {
  const existing = await lstat(path).catch(() => undefined);
  if (existing === undefined && (await canReach(account, root, ENTER))) await makeEnterable(path);
  else if (existing === undefined) await linkToDirectory(root, path);
  else if (!existing.isSymbolicLink()) return undefined;
  const target = await readlink(path).catch(() => undefined);
  if (target === undefined) return undefined;
  const lost = (await stat(path).catch(() => undefined)) === undefined;
  if (lost) await makeEnterable(resolve(root, target));
  const why = `PostgreSQL must not run as root, and the user that it runs as (${account?.uid}) cannot enter ${root}`;
  const lossNotice = lost ? ' The previous database no longer exists: this is a new, empty database.' : '';
  return `The database is kept in ${target}, to which ${path} points: ${why}.${lossNotice}`;
}

/** Creating a link is atomic and never replaces one: of two simultaneous starts, the second uses the folder of the first. */
async function linkToDirectory(root: string, path: string): Promise<void> {
  await makeEnterable(ROOT_DATA_DIRECTORY);
  const name = createHash('sha256').update(root).digest('hex').slice(0, 12);
  const target = await mkdtemp(join(ROOT_DATA_DIRECTORY, `${name}-`));
  await chmod(target, 0o711);
  await writeFile(join(target, 'belongs-to'), `${root}\n`);
  try {
    await symlink(target, path);
  } catch (error) {
    await rm(target, { recursive: true });
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

/**
 * The password of the cluster in this directory, created on the first call. Two processes that create one at the same time
 * get the same password: unlike a write, a link appears with its whole content or not at all, and only once.
 */
export async function readOrMakePassword(directory: DataDirectory): Promise<string> {
  const file = join(directory.dir, 'password');
  const known = await readPassword(file);
  if (known !== undefined) return known;
  if ((await stat(join(directory.dir, 'data')).catch(() => undefined)) !== undefined) {
    throw new EmbeddedDatabaseError(
      `${file} is missing, and without it no program can log in. Put it back from a backup.`,
    );
  }
  const draft = join(directory.dir, `password-${randomBytes(6).toString('hex')}`);
  await writeFile(draft, randomBytes(24).toString('base64url'), { mode: 0o600 });
  await link(draft, file).catch((error: unknown) => {
    if (errorCode(error) !== 'EEXIST') throw error;
  });
  await rm(draft);
  return readFile(file, 'utf8');
}

async function readPassword(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw new EmbeddedDatabaseError(
      `${file} cannot be read. Does this data directory belong to another user? Run as that user, or choose another DATA_DIR.`,
      { cause },
    );
  }
}
