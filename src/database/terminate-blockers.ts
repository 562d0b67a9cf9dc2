/**
 * A transaction that terminates idle sessions that hold a lock it needs.
 *
 * A server that is frozen or disconnected in the middle of a transaction keeps its row locks until PostgreSQL notices. A
 * cancel or a deletion cannot wait for that. An active session is never terminated.
 *
 * A connection outside the pool terminates the sessions: many transactions may wait at once, and each holds a connection of
 * the pool. Only a part of the pool may wait this way, and each wait has a limit, so the rest of the server continues.
 */
import type { Sql } from 'postgres';
import { every } from '../timing/every.ts';
import { connectSeparately } from './driver.ts';
import type { Tx } from './open.ts';
import { createPoolSlots, type PoolSlots } from './pool-slots.ts';

/** Longer than a healthy process pauses between two statements of a transaction. */
const IDLE_MS = 200;

/** The limit for a lock whose holder is active or cannot be terminated. */
const LOCK_TIMEOUT = '3s';

/** The limit for a connection, behind other waiting transactions. */
const QUEUE_LIMIT_MS = 10_000;

/** @throws PostgresError 55P03 when a lock is not free in time; NoAnswerError when no connection is free in time */
export async function beginTerminatingBlockers<T>(sql: Sql, work: (tx: Tx) => Promise<T>): Promise<T> {
  const { inTurn, terminator } = sidePoolOf(sql);
  const attempt = async (tx: Tx) => {
    const [own] = await tx<{ pid: number }[]>`
      select pg_backend_pid() as pid, set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`;
    const stop = every(
      () => IDLE_MS,
      // The next check tries again.
      () => terminateIdleBlockers(terminator, own?.pid ?? 0).catch(() => {}),
    );
    try {
      return { value: await work(tx) };
    } finally {
      stop();
    }
  };
  return (await inTurn(() => sql.begin(attempt))).value;
}

interface SidePool {
  /** Terminates sessions; it connects on first use. */
  terminator: Sql;
  inTurn: PoolSlots;
}

/** By the options of the pool: the views of it that routes have (access/row-level-security.ts) are objects of their own. */
const sidePools = new WeakMap<Sql['options'], SidePool>();

function sidePoolOf(sql: Sql): SidePool {
  const found = sidePools.get(sql.options) ?? {
    terminator: connectSeparately(sql),
    inTurn: createPoolSlots(Math.max(1, Math.floor(sql.options.max / 3)), QUEUE_LIMIT_MS),
  };
  sidePools.set(sql.options, found);
  return found;
}

/**
 * Includes indirect blockers, since our own batch may be in between. A session of another role is terminated where
 * PostgreSQL allows it; otherwise the lock times out.
 */
async function terminateIdleBlockers(terminator: Sql, waiting: number): Promise<void> {
  await terminator`
    with recursive blockers (pid) as (
      select unnest(pg_blocking_pids(${waiting})) union select unnest(pg_blocking_pids(pid)) from blockers)
    select pg_terminate_backend(pid) from pg_stat_activity join blockers using (pid)
    where state like 'idle in transaction%' and state_change < clock_timestamp() - make_interval(secs => ${IDLE_MS / 1_000})
      and (pg_has_role(usesysid, 'MEMBER') or pg_has_role('pg_signal_backend', 'MEMBER'))`;
}
