/** Transactions of other programs that keep our tables locked: starts, batches and settings wait for them. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { nameOfSession, sessionColumns } from '../../database/blocking-session.ts';
import { readOwnObjects } from '../../database/own-objects.ts';
import { type Finding, ok, warning } from './finding.ts';

/** Longer than a statement that writes a few rows. */
const LONG_S = 2;

interface Holder {
  /** The same at a second look: the transaction has not ended. */
  transaction: string;
  /** 0: a prepared transaction. */
  pid: number;
  name: string;
  role: string;
  isAutovacuum: boolean;
  /** Such as `organizations, sync_logs`. */
  tables: string;
}

/**
 * PostgreSQL hides from an ordinary role since when another role's transaction has been open. So the locks are read twice. Takes
 * two seconds when there is one.
 */
export async function checkLocks(sql: Sql): Promise<Finding> {
  const before = await readHolders(sql);
  if (before.length > 0) await delay(LONG_S * 1_000);
  const after = before.length === 0 ? [] : await readHolders(sql);
  const holder = after.find(({ transaction }) => before.some((one) => one.transaction === transaction));
  if (holder === undefined) return ok('locks', 'No transaction of another program keeps a table locked.');
  const end =
    holder.pid === 0
      ? 'ROLLBACK PREPARED ends it.'
      : `End it there, or as its role or a superuser: SELECT pg_terminate_backend(${holder.pid})`;
  return warning(
    'locks',
    `${nameOfSession(holder)} has kept rows or tables locked for more than ${LONG_S} s: ${holder.tables}. Syncs may wait for its transaction and fail. ${end}`,
  );
}

/** Reading, a vacuum and our own transactions do not count. */
async function readHolders(sql: Sql): Promise<Holder[]> {
  const { relations } = await readOwnObjects();
  return await sql<Holder[]>`
    select virtualtransaction as transaction, ${sessionColumns(sql)}, string_agg(distinct relname, ', ') as tables
    from pg_locks join pg_class on pg_class.oid = relation
      cross join lateral (select coalesce(pg_locks.pid, 0)) as holder (pid)
      left join pg_stat_activity on pg_stat_activity.pid = pg_locks.pid
    where locktype = 'relation' and granted and relnamespace = 'public'::regnamespace and relname in ${sql(relations)}
      and database = (select oid from pg_database where datname = current_database())
      and mode not in ('AccessShareLock', 'ShareUpdateExclusiveLock')
      and coalesce(application_name, '') not like 'patient-sync%'
    group by virtualtransaction, holder.pid, application_name, backend_type, usename, datid, usesysid, xact_start
    order by "isAutovacuum", xact_start`;
}
