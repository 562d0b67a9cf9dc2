/**
 * The session whose lock a transaction waits for. It is read during the wait: afterwards no view of PostgreSQL tells a
 * holder that blocks from one that does not.
 *
 * PostgreSQL hides from an ordinary role since when a session of another role has had its transaction, so the oldest
 * transaction cannot be searched for.
 */
import type { ISql, Sql } from 'postgres';
import { every } from '../timing/every.ts';
import { withTimeout } from '../timing/with-timeout.ts';
import { connectSeparately } from './driver.ts';

/** Shorter than the lock timeout of a migration, so each wait that ends with a timeout is seen. */
const CHECK_MS = 100;

const CONNECT_LIMIT_MS = 2_000;

export interface BlockingSession {
  /** Such as `pg_dump, process 12 of the role backup`. */
  name: string;
  /** PostgreSQL cancels its autovacuum when another session has waited for it for `deadlock_timeout`. */
  isAutovacuum: boolean;
}

export interface BlockingSessionWatch {
  /** The last one that was seen. */
  readonly found: BlockingSession | undefined;
  /** Resolves when a check needs no new connection, which at a distant database takes longer than a short wait. Never rejects. */
  connected(): Promise<void>;
  stop(): Promise<void>;
}

/** @param waiting the process of the transaction */
export function watchBlockingSession(pool: Sql, waiting: number): BlockingSessionWatch {
  // The connection opens with the first check, which a start without a migration does not reach.
  const sql = connectSeparately(pool);
  let found: BlockingSession | undefined;
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

interface Session {
  /** 0: a prepared transaction, which has no session. */
  pid: number;
  name: string;
  role: string;
  isAutovacuum: boolean;
}

/** The columns of a `Session`, of a row `holder (pid)` and its row of `pg_stat_activity`, when it has one. */
export const sessionColumns = (sql: ISql) => sql`
  holder.pid, coalesce(nullif(application_name, ''), backend_type, 'another program') as name,
  coalesce(usename, 'unknown') as role, datid is not null and usesysid is null as "isAutovacuum"`;

/** Such as `pg_dump, process 12 of the role backup`. */
export function nameOfSession({ pid, name, role, isAutovacuum }: Session): string {
  if (isAutovacuum) return `autovacuum, process ${pid}`;
  if (pid === 0) return 'a prepared transaction, which pg_prepared_xacts lists';
  return `${name}, process ${pid} of the role ${role}`;
}

/**
 * `pg_blocking_pids` answers for every role. Of the processes that work in a database, only those of autovacuum have no role. They
 * are named last: they give way.
 */
async function readBlocker(sql: Sql, waiting: number): Promise<BlockingSession | undefined> {
  const [blocker] = await sql<Session[]>`
    select ${sessionColumns(sql)}
    from unnest(pg_blocking_pids(${waiting})) as holder (pid) left join pg_stat_activity using (pid)
    order by "isAutovacuum", xact_start limit 1`;
  return blocker && { name: nameOfSession(blocker), isAutovacuum: blocker.isAutovacuum };
}
