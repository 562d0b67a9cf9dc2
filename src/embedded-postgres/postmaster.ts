/**
 * The postmaster: the one process that runs a cluster. Finds it, starts it and stops it.
 *
 * PostgreSQL's own lock file, `postmaster.pid` in the cluster, names its process, its port and whether it is ready. It runs
 * in a process group of its own: Ctrl-C in the terminal does not stop it while the server drains, and when the server is
 * killed it keeps running, and the next start finds it.
 *
 * Not here: which process may stop it and when (shared-instance.ts).
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { link, open, readFile, readlink, realpath, rename, stat, unlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errorCode } from '../logging/safe-error.ts';
import { type Cluster, postgresEnvironment } from './cluster.ts';
import { EmbeddedDatabaseError } from './error.ts';

export interface Postmaster {
  pid: number;
  port: number;
  /** Only `ready` accepts connections; `starting` and `stopping` do not. */
  status: string;
}

/** It exited before it was ready. Some causes are temporary, see `transient`. */
export class PostmasterExitedError extends Error {
  override readonly name = 'PostmasterExitedError';
  /** Another postmaster was faster, the previous one is still exiting, or the port was taken: a retry helps. */
  readonly transient: boolean;

  constructor(complaint: string) {
    super(complaint.trim());
    this.transient = /lock file|shared memory|bind|TCP\/IP|Address already in use|postmaster\.pid/.test(
      complaint,
    );
  }
}

const POLL_MS = 15;
/** A lock file is written at once; one that is still invalid after this time was truncated by a crash of the machine. */
const HALF_WRITTEN_MS = 2_000;
const LARGEST_LOG_BYTES = 4 * 1024 * 1024;

/** The postmaster of this cluster, if there is one. Removes a stale lock file that would prevent a start. */
export async function findPostmaster(cluster: Cluster): Promise<Postmaster | undefined> {
  const file = join(cluster.files, 'postmaster.pid');
  const lock = await readFile(file, 'utf8').catch(() => undefined);
  if (lock === undefined) return undefined;
  const found = parseLock(lock);
  if (found === undefined) {
    const written = await stat(file).catch(() => undefined);
    if (written === undefined || Date.now() - written.mtimeMs < HALF_WRITTEN_MS) return undefined;
    await removeStaleLock(file, lock);
    return undefined;
  }
  if (!isAlive(found.pid)) return undefined;
  if ((await runsCluster(found.pid, cluster.files)) !== false) return found;
  await removeStaleLock(file, lock);
  return undefined;
}

/** For use before there is a `Cluster`: whether a process runs on these files. Changes nothing. */
export async function isClusterRunning(files: string): Promise<boolean> {
  const lock = await readFile(join(files, 'postmaster.pid'), 'utf8').catch(() => '');
  const found = parseLock(lock);
  return (
    found !== undefined &&
    isAlive(found.pid) &&
    (await runsCluster(found.pid, await realpath(files))) !== false
  );
}

function parseLock(lock: string): Postmaster | undefined {
  const lines = lock.split('\n').map((line) => line.trim());
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  if (!Number.isInteger(pid) || pid <= 0 || !Number.isInteger(port) || port <= 0) return undefined;
  return { pid, port, status: lines[7] ?? 'starting' };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    // EPERM: a process of another user, so not ours. Ours has our user, or we are root and may signal every process.
    return false;
  }
}

/** Process ids are reused, especially after a reboot. Undefined where the system does not show it. */
async function runsCluster(pid: number, files: string): Promise<boolean | undefined> {
  if (process.platform === 'win32') return undefined;
  if (process.platform !== 'linux') {
    const ps = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => undefined);
    return ps === undefined ? undefined : ps.stdout.includes('postgres') && ps.stdout.includes(files);
  }
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  if (command === undefined) return isAlive(pid) ? undefined : false;
  const [program = '', ...args] = command.split('\0');
  if (basename(program) !== 'postgres') return false;
  // The working directory is right even for a cluster that was moved while it ran, but a container may hide it.
  const workingDirectory = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  return workingDirectory === undefined ? args.includes(files) : workingDirectory === files;
}

/**
 * Removes the lock file that was read as `judged`, and no other: another process may have removed it already and started a
 * postmaster, which has a new lock file. So the file is first moved away, then compared, and moved back if it differs.
 */
async function removeStaleLock(file: string, judged: string): Promise<void> {
  const aside = `${file}.${process.pid}.stale`;
  try {
    await rename(file, aside);
    if ((await readFile(aside, 'utf8')) !== judged) await link(aside, file);
    await unlink(aside);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'EEXIST') throw error;
  }
}

/** Resolves when it accepts connections. Rejects with `PostmasterExitedError` when it exits before that. */
export async function launchPostmaster(cluster: Cluster, port: number): Promise<Postmaster> {
  await setAsideLargeLog(cluster.log);
  const log = await open(cluster.log, 'a', 0o600);
  const before = (await log.stat()).size;
  try {
    const child = spawnPostmaster(cluster, port, log.fd);
    let spawnError: Error | undefined;
    child.once('error', (error) => {
      spawnError = error;
    });
    child.unref();
    while (child.exitCode === null && child.signalCode === null) {
      if (spawnError !== undefined) throw doesNotRun(child.spawnfile, spawnError);
      const lock = parseLock(await readFile(join(cluster.files, 'postmaster.pid'), 'utf8').catch(() => ''));
      if (lock !== undefined && lock.pid === child.pid && lock.status === 'ready') return lock;
      await delay(POLL_MS);
    }
  } finally {
    await log.close();
  }
  throw new PostmasterExitedError(await readLog(cluster, before));
}

function spawnPostmaster(cluster: Cluster, port: number, log: number): ChildProcess {
  return spawn(join(cluster.bin, 'postgres'), serverArguments(cluster, port), {
    ...cluster.account,
    cwd: cluster.bin,
    env: postgresEnvironment(),
    detached: true,
    stdio: ['ignore', log, log],
    windowsHide: true,
  });
}

function doesNotRun(program: string, cause: Error): EmbeddedDatabaseError {
  return new EmbeddedDatabaseError(`${program} does not run on this machine: ${cause.message}.`, { cause });
}

function serverArguments(cluster: Cluster, port: number): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Messages about statements can quote patients, so only messages about the server itself are logged.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
    ...cluster.settings,
  };
  const pairs = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', cluster.files, '-p', String(port), ...pairs];
}

/** The last lines of the log from byte `from` on. */
export async function readLog(cluster: Cluster, from = 0): Promise<string> {
  const log = await readFile(cluster.log).catch(() => Buffer.alloc(0));
  return log.subarray(from).toString().trim().split('\n').slice(-15).join('\n');
}

async function setAsideLargeLog(log: string): Promise<void> {
  const size = (await stat(log).catch(() => undefined))?.size ?? 0;
  if (size > LARGEST_LOG_BYTES) await rename(log, `${log}.old`).catch(() => undefined);
}

/** A port that is free now. It may be taken a moment later, so the caller must be ready to try another. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, failed) => server.once('error', failed).listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise<void>((done) => server.close(() => done()));
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

/** Ends every session, flushes all data, and resolves when the process is gone. */
export async function stopPostmaster(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const postmaster = await findPostmaster(cluster);
  if (postmaster === undefined) return;
  if (process.platform === 'win32') {
    // On Windows a signal from Node kills the process immediately.
    await promisify(execFile)(join(cluster.bin, 'pg_ctl'), ['kill', 'INT', String(postmaster.pid)]);
  } else if (isAlive(postmaster.pid)) {
    process.kill(postmaster.pid, 'SIGINT');
  }
  while (!signal.aborted) {
    if ((await findPostmaster(cluster))?.pid !== postmaster.pid) return;
    await delay(POLL_MS);
  }
}
