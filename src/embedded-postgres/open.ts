/**
 * The database that needs no installing: PostgreSQL from npm, started when it is needed, kept in the data directory.
 *
 * Promise: whoever opens the same data directory gets the same database, one after another or at the same time, after
 * any kind of end; the last to stop stops it. It listens on loopback only and never without a password. Should it die
 * while we use it, it is started again where it was, so that `url` stays true.
 *
 * Read on: data-directory.ts (where), binaries.ts (what), cluster.ts (first start),
 * postmaster.ts (the process), shared-instance.ts (who shares it).
 * Not here: tables (migrate.ts), a PostgreSQL of the user's own (DATABASE_URL never comes here).
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { prepareBinaries } from './binaries.ts';
import { type Cluster, ensureCluster } from './cluster.ts';
import { openDataDirectory, ROOT_DATA_DIRECTORY, readOrMakePassword } from './data-directory.ts';
import { DATABASE, openSharedInstance, type SharedInstance, SUPERUSER } from './shared-instance.ts';

export interface EmbeddedDatabase {
  /** postgres://postgres:<password>@127.0.0.1:<port>/patient_sync?require_auth=scram-sha-256 */
  url: string;
  /** true when another process (or an orphan) had it running already */
  attached: boolean;
  /** Where the data is, when that is not where one would look. For the log of the server. */
  notice: string | undefined;
  /** Leaves the database; the last process to leave stops it. Idempotent, never hangs, also when postgres has gone. */
  stop(): Promise<void>;
}

export interface EmbeddedDatabaseOptions {
  /** Made when it is missing. */
  dataDir: string;
  /** Settings of PostgreSQL, over ours; they count only for the process that starts it. */
  settings?: Record<string, string>;
}

/** Within the 5 s that a server has after draining. PostgreSQL goes on stopping by itself if that is not enough. */
const STOP_MS = 4_000;
const PAUSE_BEFORE_RETURN_MS = 500;

/** Rejects with an EmbeddedDatabaseError, which says what to do. */
export async function openEmbeddedDatabase(options: EmbeddedDatabaseOptions): Promise<EmbeddedDatabase> {
  const home = await openDataDirectory(options.dataDir);
  const cluster: Cluster = {
    home: home.dir,
    files: join(home.dir, 'data'),
    log: join(home.dir, 'log'),
    password: await readOrMakePassword(home),
    account: home.account,
    bin: await prepareBinaries(home.account, home.account === undefined ? home.dir : ROOT_DATA_DIRECTORY),
    settings: options.settings ?? {},
  };
  await ensureCluster(cluster);
  const instance = await openSharedInstance(cluster);
  return {
    url: `postgres://${SUPERUSER}:${cluster.password}@127.0.0.1:${instance.port}/${DATABASE}?require_auth=scram-sha-256`,
    attached: instance.attached,
    notice: home.notice,
    stop: keepInstance(cluster, instance),
  };
}

/**
 * Keeps a seat taken until the returned function is called. A crash of one session makes PostgreSQL restart them all,
 * and a crash of PostgreSQL ends them: either way the seat is taken anew, on the port that our callers know.
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
    stopped ??= within(STOP_MS, keeping);
    return stopped;
  };
}

/** Resolves when `work` is done, and at the latest after `ms`. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const done = new AbortController();
  const bound = delay(ms, undefined, { signal: done.signal }).catch(() => undefined);
  await Promise.race([work, bound]).finally(() => done.abort());
}
