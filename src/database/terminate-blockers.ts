/**
 * A transaction that does not wait for the dead: a session that holds a lock it needs, and does nothing with it, is ended.
 *
 * A server that was frozen or cut off in the middle of a transaction keeps its row locks for as long as PostgreSQL believes in
 * it. A cancel or a deletion cannot wait for that. A session at work is never touched.
 *
 * The connection that ends such sessions is not of the pool: many transactions may wait at once, and each holds one. Only a
 * part of the pool may wait that way, and each wait has a limit, so the rest of the server goes on.
 */
import type { Sql } from 'postgres';
import { withinMs } from './answer-limit.ts';
import { connectBeside } from './driver.ts';
import type { Tx } from './open.ts';

/** Longer than a living process leaves a transaction alone between two of its statements. */
const IDLE_MS = 200;

/** For a lock whose holder works, or cannot be ended. */
const LOCK_TIMEOUT = '3s';

/** For a connection, behind other transactions that wait. */
const TURN_LIMIT_MS = 10_000;

/** @throws PostgresError 55P03 when a lock is not free in time; an error like that of a lost connection when no turn comes */
export async function beginTerminatingBlockers<T>(sql: Sql, work: (tx: Tx) => Promise<T>): Promise<T> {
  const { lanes, ender } = besides(sql);
  const leave = await lanes.enter();
  try {
    const result = await sql.begin(async (tx) => {
      const [own] = await tx<{ pid: number }[]>`
        select pg_backend_pid() as pid, set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`;
      const stop = endBlockersOf(ender, own?.pid ?? 0);
      try {
        return { value: await work(tx) };
      } finally {
        stop();
      }
    });
    return result.value;
  } finally {
    leave();
  }
}

interface Beside {
  /** Ends sessions; opened when it is needed. */
  ender: Sql;
  lanes: Lanes;
}

/** By pool. */
const beside = new WeakMap<Sql, Beside>();

function besides(sql: Sql): Beside {
  const found = beside.get(sql) ?? {
    ender: connectBeside(sql),
    lanes: createLanes(Math.max(1, Math.floor(sql.options.max / 3))),
  };
  beside.set(sql, found);
  return found;
}

interface Lanes {
  /** @returns leaves the lane */
  enter(): Promise<() => void>;
}

function createLanes(count: number): Lanes {
  let used = 0;
  const queue = new Set<() => void>();
  const leave = (): void => {
    used -= 1;
    const [next] = queue;
    next?.();
  };
  return {
    async enter() {
      if (used >= count) {
        let go = () => {};
        const turn = new Promise<void>((resolve) => {
          go = resolve;
        });
        queue.add(go);
        await withinMs(TURN_LIMIT_MS, turn).finally(() => queue.delete(go));
      }
      used += 1;
      return leave;
    },
  };
}

/** Looks again and again, one look at a time. A look that fails costs a wait. @returns stops it */
function endBlockersOf(ender: Sql, waiting: number): () => void {
  let looking = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    terminateIdleBlockers(ender, waiting)
      .catch(() => {})
      .finally(() => {
        looking = false;
      });
  }, IDLE_MS);
  return () => clearInterval(timer);
}

/**
 * Also behind others that wait for it, as our own batch may. A session of another role is ended where PostgreSQL lets us;
 * elsewhere the lock times out.
 */
async function terminateIdleBlockers(ender: Sql, waiting: number): Promise<void> {
  await ender`
    with recursive blockers (pid) as (
      select unnest(pg_blocking_pids(${waiting})) union select unnest(pg_blocking_pids(pid)) from blockers)
    select pg_terminate_backend(pid) from pg_stat_activity join blockers using (pid)
    where state like 'idle in transaction%' and state_change < clock_timestamp() - make_interval(secs => ${IDLE_MS / 1_000})
      and (pg_has_role(usesysid, 'MEMBER') or pg_has_role('pg_signal_backend', 'MEMBER'))`;
}
