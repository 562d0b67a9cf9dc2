/**
 * The cluster: the files of one PostgreSQL, made by `initdb` on the first start.
 *
 * `initdb` works in a nursery beside the final place, and a rename puts the finished cluster there. So a cluster that
 * is there is whole: two first starts at once end with one of them (the other finds the place taken), and a start that
 * was killed half-way leaves a nursery, which the next start sweeps away.
 *
 * Not here: running it (postmaster.ts).
 */
import { spawn } from 'node:child_process';
import { chmod, chown, mkdtemp, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { EmbeddedDatabaseError } from './error.ts';
import { giveTo, NOBODY_UID, type OsAccount } from './os-account.ts';

/** All that is needed to run one cluster and to log in to it. */
export interface Cluster {
  /** The folder of the home, see data-directory.ts; without symbolic links. */
  home: string;
  /** PGDATA: `data` in that folder. */
  files: string;
  log: string;
  password: string;
  account: OsAccount;
  /** The folder of `postgres` and `initdb`. */
  bin: string;
  /** Added to the server's command line, over our own. */
  settings: Record<string, string>;
}

const STAGING_PREFIX = 'initdb-';

/** Makes the cluster when it is not there yet. */
export async function ensureCluster(cluster: Cluster): Promise<void> {
  if (!(await exists(cluster.files))) await initCluster(cluster);
  await removeStagingDirectories(cluster.home);
}

async function initCluster(cluster: Cluster): Promise<void> {
  const nursery = await mkdtemp(join(cluster.home, STAGING_PREFIX));
  try {
    const passwordFile = join(nursery, 'password');
    await writeFile(passwordFile, cluster.password, { mode: 0o640 });
    if (cluster.account !== undefined) {
      for (const path of [passwordFile, nursery]) await chown(path, 0, cluster.account.gid);
      await chmod(nursery, 0o770);
    }
    await runInitdb(cluster, join(nursery, 'data'), passwordFile);
    if (cluster.account !== undefined) await giveTo(cluster.account, join(nursery, 'data'));
    await rename(join(nursery, 'data'), cluster.files);
    await flushDirectory(cluster.home);
  } catch (error) {
    // Somebody else was faster, and may even have swept our nursery away. Their cluster is as good as ours.
    if (!(await exists(cluster.files))) throw error;
  } finally {
    // Another start may be sweeping here at the same time; what is left then is swept by the next one.
    await rm(nursery, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
  }
}

/**
 * `initdb` wants a user with a name, which the cluster's own user has not. With the own user's group alone it reaches the
 * nursery, and no other process of that named user does.
 */
function initdbAccount(account: OsAccount): OsAccount {
  return account === undefined ? undefined : { uid: NOBODY_UID, gid: account.gid };
}

async function runInitdb(cluster: Cluster, files: string, passwordFile: string): Promise<void> {
  const program = join(cluster.bin, 'initdb');
  // The builtin locale sorts by code point and needs nothing of the machine, which may have no locales at all.
  const args = [
    `--pgdata=${files}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(cluster.settings.fsync === 'off' ? ['--no-sync'] : []),
  ];
  const child = spawn(program, args, {
    ...initdbAccount(cluster.account),
    cwd: cluster.bin,
    env: postgresEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    windowsHide: true,
  });
  const exit = new Promise<number | null>((done, failed) => child.on('close', done).on('error', failed));
  const [complaint, code] = await Promise.all([text(child.stderr), exit]).catch((cause: unknown) => {
    throw new EmbeddedDatabaseError(
      `${program} does not run on this machine (it needs glibc 2.27 or later).`,
      { cause },
    );
  });
  if (code !== 0) throw new EmbeddedDatabaseError(`initdb failed.\n${complaint.trim()}`);
}

/** Not ours as a whole: this process's environment holds keys that a process of another user should not carry. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TEMP } = process.env;
  return { PATH, SystemRoot, TEMP, LC_ALL: 'C' };
}

/**
 * Once the cluster is there, a nursery can only come second. One in which somebody's `initdb` still writes cannot be
 * emptied, and need not: he removes it himself, or the next start does.
 */
async function removeStagingDirectories(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (name.startsWith(STAGING_PREFIX))
      await rm(join(home, name), { recursive: true, force: true }).catch(() => {});
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** So that the rename outlives a power cut. Windows has no such call for directories. */
async function flushDirectory(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(dir);
  await handle.sync().finally(() => handle.close());
}
