/**
 * The session whose lock a transaction waits for. It is read during the wait: afterwards no view of PostgreSQL tells a
 * holder that blocks from one that does not.
 *
 * PostgreSQL hides from an ordinary role since when a session of another role has had its transaction, so the oldest
 * transaction cannot be searched for.
 */
import type { Sql } from 'postgres';
import { every } from '../timing/every.ts';
import { withTimeout } from '../timing/with-timeout.ts';
import { connectSeparately } from './driver.ts';

/** Shorter than the lock timeout of a migration, so each wait that ends with a timeout is seen. */
const CHECK_MS = 100;

const CONNECT_LIMIT_MS = 2_000;

export interface BlockingSessionWatch {
  /** The last one that was seen, such as `pg_dump, process 12 of the role backup`. */
  readonly found: string | undefined;
  /** Resolves when a check needs no new connection, which at a distant database takes longer than a short wait. Never rejects. */
  connected(): Promise<void>;
  stop(): Promise<void>;
}

/** @param waiting the process of the transaction */
export function watchBlockingSession(pool: Sql, waiting: number): BlockingSessionWatch {
  // The connection opens with the first check, which a start without a migration does not reach.
  const sql = connectSeparately(pool);
  let found: string | undefined;
  const stop = every(
    () => CHECK_MS,
    async () => {
      // A failed check names nothing, and the next one tries again: the migration does not depend on it.
      const blocker = await readBlocker(sql, waiting).catch(() => undefined);
      found = blocker ?? found;
    },
  );
  return {
    get found() {
      return found;
    },
    async connected() {
      // A pooler may have no other session.
      await withTimeout(CONNECT_LIMIT_MS, sql`select 1`, () => undefined).catch(() => {});
    },
    async stop() {
      stop();
      await sql.end({ timeout: 1 });
    },
  };
}

/** `pg_blocking_pids` answers for every role. Process 0 is a prepared transaction, which has no session. */
async function readBlocker(sql: Sql, waiting: number): Promise<string | undefined> {
  const [blocker] = await sql<{ pid: number; name: string; role: string }[]>`
    select pid, coalesce(nullif(application_name, ''), backend_type, 'another program') as name,
      coalesce(usename, 'unknown') as role
    from unnest(pg_blocking_pids(${waiting})) as pid left join pg_stat_activity using (pid)
    order by xact_start limit 1`;
  if (blocker === undefined) return undefined;
  if (blocker.pid === 0) return 'a prepared transaction, which pg_prepared_xacts lists';
  return `${blocker.name}, process ${blocker.pid} of the role ${blocker.role}`;
}
