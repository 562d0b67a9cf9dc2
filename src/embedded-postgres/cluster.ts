/**
 * The cluster: the files of one PostgreSQL, created by `initdb` on the first start.
 *
 * `initdb` works in a staging directory, and a rename moves the finished cluster to its final path. So an existing cluster
 * is always complete: two simultaneous first starts produce one cluster (the second rename fails), and a start that was
 * killed half-way leaves a staging directory that the next start removes.
 *
 * Not here: running it (postmaster.ts).
 */
import { spawn } from 'node:child_process';
import {
  chmod,
  chown,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { EmbeddedDatabaseError } from './error.ts';
import { changeOwner, NOBODY_UID, type OsAccount } from './os-account.ts';

/** The data to run one cluster and to log in to it. */
export interface Cluster {
  /** The data directory (data-directory.ts), without symbolic links. */
  directory: string;
  /** PGDATA: `data` in that directory. */
  files: string;
  log: string;
  password: string;
  account: OsAccount;
  /** The folder of `postgres` and `initdb`. */
  bin: string;
  /** Added to the command line of the server; these override our own settings. */
  settings: Record<string, string>;
}

const STAGING_PREFIX = 'initdb-';

/** Creates the cluster when it does not exist. */
export async function ensureCluster(cluster: Cluster): Promise<void> {
  if (!(await exists(cluster.files))) await initCluster(cluster);
  await removeStagingDirectories(cluster.directory);
}

/**
 * The major versions of the cluster and of the programs when they differ: PostgreSQL then refuses to start on these files.
 * Undefined when they are equal or unknown.
 */
export async function versionDifference(
  cluster: Cluster,
): Promise<{ written: string; installed: string } | undefined> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '');
  const written = (await read(join(cluster.files, 'PG_VERSION'))).trim();
  const catalog = await read(join(dirname(cluster.bin), 'share', 'postgresql', 'postgres.bki'));
  const installed = /^# PostgreSQL (\S+)/.exec(catalog)?.[1];
  if (written === '' || installed === undefined || written === installed) return undefined;
  return { written, installed };
}

async function initCluster(cluster: Cluster): Promise<void> {
  const staging = await mkdtemp(join(cluster.directory, STAGING_PREFIX));
  try {
    const passwordFile = join(staging, 'password');
    await writeFile(passwordFile, cluster.password, { mode: 0o640 });
    if (cluster.account !== undefined) {
      for (const path of [passwordFile, staging]) await chown(path, 0, cluster.account.gid);
      await chmod(staging, 0o770);
    }
    await runInitdb(cluster, join(staging, 'data'), passwordFile);
    if (cluster.account !== undefined) await changeOwner(cluster.account, join(staging, 'data'));
    await rename(join(staging, 'data'), cluster.files);
    await flushDirectory(cluster.directory);
  } catch (error) {
    // Another process was faster, and may have removed our staging directory. Its cluster is as good as ours.
    if (!(await exists(cluster.files))) throw error;
  } finally {
    // Another start may remove it at the same time; the next start removes what is left.
    await rm(staging, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
  }
}

/**
 * `initdb` needs a user with a name, which the cluster's own user lacks. The group of the own user gives it access to the
 * staging directory, and no other process of the named user has that access.
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
  const [stderr, code] = await Promise.all([text(child.stderr), exit]).catch((cause: unknown) => {
    throw new EmbeddedDatabaseError(
      `${program} does not run on this machine (it needs glibc 2.27 or later).`,
      { cause },
    );
  });
  if (code !== 0) throw new EmbeddedDatabaseError(`initdb failed:\n${stderr.trim()}`);
}

/** Does not pass on our whole environment: it holds keys that a process of another user must not have. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TEMP } = process.env;
  return { PATH, SystemRoot, TEMP, LC_ALL: 'C' };
}

/**
 * Once the cluster exists, a staging directory is obsolete. One in which `initdb` still writes cannot be emptied: its own
 * process, or the next start, removes it.
 */
async function removeStagingDirectories(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(STAGING_PREFIX))
      await rm(join(directory, name), { recursive: true, force: true }).catch(() => {});
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Makes the rename survive a power cut. Windows has no such call for directories. */
async function flushDirectory(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(dir);
  await handle.sync().finally(() => handle.close());
}
