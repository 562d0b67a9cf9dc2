/**
 * Tracks the processes that share one embedded PostgreSQL.
 *
 * Each process holds one connection with a shared advisory lock. A process that leaves releases the lock and requests it
 * exclusively. If it gets the lock, no other process is connected, and a new one has to wait; the process then stops the
 * postmaster, and the waiting one is disconnected and starts again. PostgreSQL itself keeps the list of locks, so a killed
 * process leaves it at once, and nothing on disk can be stale.
 *
 * Not here: reconnecting after a lost connection (open.ts).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { connect } from '../database/driver.ts';
import { errorCode } from '../logging/safe-error.ts';
import { type Cluster, versionDifference } from './cluster.ts';
import { EmbeddedDatabaseError } from './error.ts';
import {
  findPostmaster,
  freePort,
  launchPostmaster,
  type Postmaster,
  PostmasterExitedError,
  readLog,
  stopPostmaster,
} from './postmaster.ts';

export const DATABASE = 'patient_sync';
export const SUPERUSER = 'postgres';

export interface SharedInstance {
  port: number;
  /** True when the postmaster was already running. */
  attached: boolean;
  /** Resolves when the connection is gone, for any reason. */
  lost: Promise<void>;
  /** The last process to leave stops the postmaster; `signal` limits the wait for that. */
  leave(signal: AbortSignal): Promise<void>;
}

/** Advisory locks of the database `postgres`, which no other program uses. */
const PRESENCE_LOCK = 7_001;
const CREATION_LOCK = 7_002;

/** After `kill -9` of all processes, shared memory stays in use for another 1.5 s; a machine under load needs longer. */
const RETRY_FOR_MS = 15_000;
/** Replaying the write-ahead log after a crash has no fixed duration, but the postmaster reports that it is starting. */
const RETRY_FOR_MS_WHILE_ALIVE = 300_000;
const UNEXPLAINED_FAILURES = 3;
const PAUSE_MS = 50;

/** Finds the postmaster of the cluster or starts it (on `port`, or on any), and retries. */
export async function openSharedInstance(cluster: Cluster, port?: number): Promise<SharedInstance> {
  const retries = createRetryBudget();
  for (;;) {
    const running = await findPostmaster(cluster);
    retries.observe(running);
    try {
      const postmaster = running ?? (await launchPostmaster(cluster, port ?? (await freePort())));
      return await connectToInstance(cluster, postmaster.port, running !== undefined);
    } catch (error) {
      if (error instanceof EmbeddedDatabaseError) throw error;
      if (retries.endsWith(error)) throw await startError(cluster, error);
    }
    await delay(PAUSE_MS);
  }
}

function createRetryBudget() {
  const startedAt = performance.now();
  let lastProgressAt = startedAt;
  let unexplained = 0;
  return {
    /**
     * A postmaster that starts or stops makes progress, so it is worth waiting for. One that is ready but does not answer
     * may be frozen.
     */
    observe(running: Postmaster | undefined): void {
      if (running !== undefined && running.status !== 'ready') lastProgressAt = performance.now();
    },
    endsWith(error: unknown): boolean {
      if (error instanceof PostmasterExitedError && !error.transient) unexplained += 1;
      const now = performance.now();
      return (
        unexplained === UNEXPLAINED_FAILURES ||
        now - lastProgressAt > RETRY_FOR_MS ||
        now - startedAt > RETRY_FOR_MS_WHILE_ALIVE
      );
    },
  };
}

async function startError(cluster: Cluster, cause: unknown): Promise<EmbeddedDatabaseError> {
  const versions = await versionDifference(cluster);
  if (versions !== undefined) {
    return new EmbeddedDatabaseError(
      `${cluster.files} was written by PostgreSQL ${versions.written}, and this release has ${versions.installed}. Start the release that wrote it, then follow docs/guides/upgrade.md, "The embedded PostgreSQL".`,
      { cause },
    );
  }
  const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
  return new EmbeddedDatabaseError(
    `it does not start (${reason}).\nThe end of ${cluster.log}:\n${await readLog(cluster)}`,
    { cause },
  );
}

async function connectToInstance(cluster: Cluster, port: number, attached: boolean): Promise<SharedInstance> {
  let resolveLost = () => {};
  const lost = new Promise<void>((resolve) => {
    resolveLost = resolve;
  });
  const sql = connect(`postgres://${SUPERUSER}:${cluster.password}@127.0.0.1:${port}/postgres`, {
    ssl: false,
    // Another program may have taken the port.
    require_auth: 'scram-sha-256',
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: 3,
    // A process that holds the lock exclusively stops the server within moments. If it is frozen, this limit prevents a
    // hang.
    connection: { application_name: 'patient-sync shared', lock_timeout: 5_000 },
    onclose: () => resolveLost(),
  });
  try {
    await claim(sql, cluster);
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
  return { port, attached, lost, leave: (signal) => leave(sql, cluster, signal) };
}

async function claim(sql: Sql, cluster: Cluster): Promise<void> {
  const [server] = await sql<{ files: string }[]>`select current_setting('data_directory') as files`;
  if (server?.files !== cluster.files)
    throw new Error(`the port is that of another cluster, ${server?.files}`);
  await sql`select pg_advisory_lock_shared(${PRESENCE_LOCK})`;
  await sql`select pg_advisory_lock(${CREATION_LOCK})`;
  const [existing] = await sql`select 1 from pg_database where datname = ${DATABASE}`;
  if (existing === undefined) await sql`create database ${sql(DATABASE)}`;
  await sql`select pg_advisory_unlock(${CREATION_LOCK})`;
}

async function leave(sql: Sql, cluster: Cluster, signal: AbortSignal): Promise<void> {
  try {
    await sql`select pg_advisory_unlock_shared(${PRESENCE_LOCK})`;
    const [answer] = await sql<{ alone: boolean }[]>`select pg_try_advisory_lock(${PRESENCE_LOCK}) as alone`;
    if (answer?.alone === true) await stopPostmaster(cluster, signal);
  } catch (error) {
    // The connection is gone, and the postmaster has stopped or restarts its sessions: nothing is left to release.
    if (errorCode(error) === '') throw error;
  } finally {
    await sql.end({ timeout: 0 });
  }
}
