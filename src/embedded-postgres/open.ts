/**
 * The database without an installation: PostgreSQL from npm, started on demand, stored in the data directory.
 *
 * Promise: all processes that open the same data directory, one after another or at the same time, get the same database,
 * however the previous ones ended; the last process to stop stops it. It listens on loopback only, and always requires a
 * password. If it crashes while in use, it is restarted on the same port, so `url` stays valid.
 *
 * Read on: data-directory.ts (location), binaries.ts (programs), cluster.ts (first start), postmaster.ts (the process),
 * shared-instance.ts (sharing). Not here: tables (database/migrate.ts), a PostgreSQL of the operator (DATABASE_URL is not
 * handled here).
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { withTimeout } from '../timing/with-timeout.ts';
import { findNative, prepareBinaries } from './binaries.ts';
import { type Cluster, ensureCluster } from './cluster.ts';
import { openDataDirectory, ROOT_DATA_DIRECTORY, readOrMakePassword } from './data-directory.ts';
import { DATABASE, openSharedInstance, type SharedInstance, SUPERUSER } from './shared-instance.ts';

export interface EmbeddedDatabase {
  /** postgres://postgres:<password>@127.0.0.1:<port>/patient_sync?require_auth=scram-sha-256 */
  url: string;
  /** Whether it was already running, started by another process or left by one that ended. */
  attached: boolean;
  /** The location of the data, when it is not the expected one. For the log of the server. */
  notice: string | undefined;
  /**
   * Disconnects from the database; the last process to do so stops it. Idempotent, and never hangs, even when postgres is
   * gone.
   */
  stop(): Promise<void>;
}

export interface EmbeddedDatabaseOptions {
  /** Created when it is missing. */
  dataDir: string;
  /** Settings of PostgreSQL that override ours; they apply only if this process starts it. */
  settings?: Record<string, string>;
  /** Once it is aborted, no PostgreSQL is started: a first start can take longer than its process has left. */
  leaving?: AbortSignal | undefined;
}

/** Less than the 5 s that a server has after draining. PostgreSQL finishes stopping by itself if that is too short. */
const STOP_MS = 4_000;
const PAUSE_BEFORE_RETURN_MS = 500;

/** Rejects with an EmbeddedDatabaseError, which says what to do, or with the reason of `leaving`. */
export async function openEmbeddedDatabase(options: EmbeddedDatabaseOptions): Promise<EmbeddedDatabase> {
  // First: where it is missing, such as in a container, the data directory is no concern.
  const native = findNative();
  const directory = await openDataDirectory(options.dataDir);
  const cluster: Cluster = {
    directory: directory.dir,
    files: join(directory.dir, 'data'),
    log: join(directory.dir, 'log'),
    password: await readOrMakePassword(directory),
    account: directory.account,
    bin: await prepareBinaries(
      native,
      directory.account,
      directory.account === undefined ? directory.dir : ROOT_DATA_DIRECTORY,
    ),
    settings: options.settings ?? {},
  };
  await ensureCluster(cluster);
  options.leaving?.throwIfAborted();
  const instance = await openSharedInstance(cluster);
  return {
    url: `postgres://${SUPERUSER}:${cluster.password}@127.0.0.1:${instance.port}/${DATABASE}?require_auth=scram-sha-256`,
    attached: instance.attached,
    notice: directory.notice,
    stop: keepInstance(cluster, instance),
  };
}

/**
 * Keeps a connection to the instance until the returned function is called. A crash of one session makes PostgreSQL restart
 * all sessions, and a crash of PostgreSQL ends them. Both times this connects again, on the same port.
 */
function keepInstance(cluster: Cluster, first: SharedInstance): () => Promise<void> {
  const leaving = new AbortController();
  const asked = new Promise<void>((resolve) => leaving.signal.addEventListener('abort', () => resolve()));
  const keeping = (async () => {
    for (
      let instance: SharedInstance | undefined = first;
      ;
      instance = await openSharedInstance(cluster, first.port).catch(() => undefined)
    ) {
      await Promise.race([asked, instance?.lost ?? delay(PAUSE_BEFORE_RETURN_MS)]);
      if (leaving.signal.aborted) return instance?.leave(AbortSignal.timeout(STOP_MS));
    }
  })();
  let stopped: Promise<void> | undefined;
  return () => {
    leaving.abort();
    stopped ??= withTimeout(STOP_MS, keeping, () => undefined);
    return stopped;
  };
}
