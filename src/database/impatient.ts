/**
 * A transaction that does not wait for the dead: a session that holds a lock it needs, and does nothing with it, is ended.
 *
 * A server that was frozen or cut off in the middle of a transaction keeps its row locks for as long as Postgres believes in
 * it. Whoever has to act now (a cancel, a deletion) cannot wait for that. A session at work is never touched.
 */
import type { Sql } from 'postgres';
import type { Tx } from './open.ts';

/** Longer than a living process leaves a transaction alone between two of its statements. */
const IDLE_MS = 200;

export async function beginImpatient<T>(sql: Sql, work: (tx: Tx) => Promise<T>): Promise<T> {
  const result = await sql.begin(async (tx) => {
    const [own] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
    // A failure to look costs a wait, and the next look tries again.
    const timer = setInterval(() => endIdleBlockers(sql, own?.pid ?? 0).catch(() => {}), IDLE_MS);
    try {
      return { value: await work(tx) };
    } finally {
      clearInterval(timer);
    }
  });
  return result.value;
}

/**
 * Also behind others who wait for it, as our own batch may. Only sessions of our own role can be ended; that is who holds such
 * locks.
 */
async function endIdleBlockers(sql: Sql, waiting: number): Promise<void> {
  await sql`
    with recursive blockers (pid) as (
      select unnest(pg_blocking_pids(${waiting})) union select unnest(pg_blocking_pids(pid)) from blockers)
    select pg_terminate_backend(pid) from pg_stat_activity join blockers using (pid)
    where state like 'idle in transaction%' and state_change < clock_timestamp() - make_interval(secs => ${IDLE_MS / 1_000})`;
}
