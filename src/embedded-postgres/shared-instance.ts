/**
 * A seat at the database: how the processes that share one embedded PostgreSQL know of each other.
 *
 * A seat is one connection that holds a shared advisory lock. Whoever leaves gives the lock back and asks for it
 * exclusively: to get it means that no one else is there, and that whoever arrives now has to wait; the one who leaves
 * then stops the postmaster, and the one who waited is cut off and begins again. PostgreSQL itself keeps the list, so a
 * process that was killed is off it at once, and nothing on disk can be out of date.
 *
 * Not here: coming back after a seat was lost (open.ts).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { connect } from '../database/driver.ts';
import type { Cluster } from './cluster.ts';
import { EmbeddedDatabaseError, errorCode } from './error.ts';
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
  /** True when the postmaster was not started for this seat. */
  attached: boolean;
  /** Resolves when the connection has gone, for whatever reason. */
  lost: Promise<void>;
  /** The last one to leave stops the postmaster; `signal` bounds the waiting for it. */
  leave(signal: AbortSignal): Promise<void>;
}

/** Advisory locks of the database `postgres`, which no one else uses. */
const PRESENCE_LOCK = 7_001;
const CREATION_LOCK = 7_002;

/** After `kill -9` of everything, shared memory is in use for another 1.5 s; a machine under load needs more. */
const RETRY_FOR_MS = 15_000;
/** Replaying the write-ahead log after a crash takes as long as it takes, but there is life to be seen. */
const RETRY_FOR_MS_WHILE_ALIVE = 300_000;
const UNEXPLAINED_FAILURES = 3;
const PAUSE_MS = 50;

/** Finds the cluster's postmaster or starts it (on `port`, or on any), as often as it takes. */
export async function openSharedInstance(cluster: Cluster, port?: number): Promise<SharedInstance> {
  const patience = createRetryBudget();
  for (;;) {
    const running = await findPostmaster(cluster);
    patience.see(running);
    try {
      const postmaster = running ?? (await launchPostmaster(cluster, port ?? (await freePort())));
      return await connectToInstance(cluster, postmaster.port, running !== undefined);
    } catch (error) {
      if (error instanceof EmbeddedDatabaseError) throw error;
      if (patience.endsWith(error)) throw await startError(cluster, error);
    }
    await delay(PAUSE_MS);
  }
}

function createRetryBudget() {
  const begun = Date.now();
  let lastLife = begun;
  let unexplained = 0;
  return {
    /** One that starts or stops is alive: worth waiting for. One that is ready and yet does not answer may be frozen. */
    see(running: Postmaster | undefined): void {
      if (running !== undefined && running.status !== 'ready') lastLife = Date.now();
    },
    endsWith(error: unknown): boolean {
      if (error instanceof PostmasterExitedError && !error.transient) unexplained += 1;
      const now = Date.now();
      return (
        unexplained === UNEXPLAINED_FAILURES ||
        now - lastLife > RETRY_FOR_MS ||
        now - begun > RETRY_FOR_MS_WHILE_ALIVE
      );
    },
  };
}

async function startError(cluster: Cluster, cause: unknown): Promise<EmbeddedDatabaseError> {
  const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
  return new EmbeddedDatabaseError(
    `it does not start (${reason}).\nThe end of ${cluster.log}:\n${await readLog(cluster)}`,
    { cause },
  );
}

async function connectToInstance(cluster: Cluster, port: number, attached: boolean): Promise<SharedInstance> {
  let tellLost = () => {};
  const lost = new Promise<void>((resolve) => {
    tellLost = resolve;
  });
  const sql = connect(`postgres://${SUPERUSER}:${cluster.password}@127.0.0.1:${port}/postgres`, {
    ssl: false,
    // Another program of this machine may have taken the port.
    require_auth: 'scram-sha-256',
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: 3,
    // Whoever holds the lock alone stops the server within moments. One that is frozen must not freeze us too.
    connection: { application_name: 'patient-sync seat', lock_timeout: 5_000 },
    onclose: () => tellLost(),
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
    // The connection has gone, and the postmaster with it or about to restart its sessions: nothing of ours is left.
    if (errorCode(error) === undefined) throw error;
  } finally {
    await sql.end({ timeout: 0 });
  }
}
