/**
 * The second wall: reads for somebody who holds only some organizations run under row-level security, so a statement
 * that forgets its `where` gives nobody else's rows.
 *
 * Routes know nothing of it. They are given a database whose `sql` and `orm` are, within such a request, those of one
 * transaction under a role of its own (drizzle/, `sync_build_wall`). Whoever holds everything is spared the round trips.
 *
 * Not here: the engine and the feed, which work for all organizations; what a stream's viewer may see (live/viewer.ts).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { PgDialect } from 'drizzle-orm/pg-core';
import { PostgresJsDatabase, PostgresJsSession } from 'drizzle-orm/postgres-js';
import type { MiddlewareHandler } from 'hono';
import type { Sql, TransactionSql } from 'postgres';
import type { Database } from '../database/open.ts';
import { principalOf } from '../http/principal.ts';
import type { Logger } from '../logging/logger.ts';

const READER = 'patient_sync_reader';
/** A read that takes longer than this is somebody's mistake, and must not hold a connection. */
const STATEMENT_LIMIT_MS = 15_000;

/**
 * `role`: a role of its own. `owner`: our own role, restricted by FORCE; `sync_logs` is not. `none`: we are a superuser
 * without that role, whom nothing restricts.
 */
export type WallKind = 'role' | 'owner' | 'none';

export interface Wall {
  readonly kind: WallKind;
  /** For the routes. */
  readonly database: Database;
  /** Stands around every route that only reads. */
  guardReads(): MiddlewareHandler;
}

type View = Pick<Database, 'sql' | 'orm'>;

export async function buildWall(database: Database, logger: Logger): Promise<Wall> {
  const current = new AsyncLocalStorage<View>();
  const kind = await findKind(database, logger);
  return {
    kind,
    database: {
      get sql() {
        return current.getStore()?.sql ?? database.sql;
      },
      get orm() {
        return current.getStore()?.orm ?? database.orm;
      },
      close: database.close,
    },
    guardReads: () => async (c, next) => {
      const { open, stream } = c.get('requirement');
      const reads = c.req.method === 'GET' || c.req.method === 'HEAD';
      if (open || stream || !reads || kind === 'none') return next();
      const { organizations } = principalOf(c);
      if (organizations === '*') return next();
      await database.sql.begin(async (tx) => {
        const restricted = restrict(tx, organizations, kind);
        await Promise.all([restricted, current.run(viewOf(tx, database.sql), next)]);
      });
    },
  };
}

/** Until the transaction ends. Sent ahead of the first statement, in the same round trip; if it fails, so does that. */
export function restrict(tx: TransactionSql, organizations: Iterable<number>, kind: WallKind) {
  return tx`select set_config('role', case when ${kind === 'role'} then ${READER} else current_user end, true),
    set_config('patient_sync.organizations', ${`{${[...organizations].join(',')}}`}, true),
    set_config('statement_timeout', ${String(STATEMENT_LIMIT_MS)}, true)`.execute();
}

function viewOf(tx: TransactionSql, whole: Sql): View {
  const dialect = new PgDialect();
  const sql = asSql(tx, whole);
  return {
    sql,
    orm: new PostgresJsDatabase(dialect, new PostgresJsSession(sql, dialect, undefined), undefined),
  };
}

/** A transaction that may be used where a pool is expected; one that is begun in it is a savepoint. */
function asSql(tx: TransactionSql, whole: Sql): Sql {
  const begin = (...args: unknown[]) => Reflect.apply(tx.savepoint, tx, args.slice(-1));
  return new Proxy(whole, {
    apply: (_whole, _self, args) => Reflect.apply(tx, undefined, args),
    get: (_whole, key) => (key === 'begin' ? begin : Reflect.get(tx, key)),
  });
}

async function findKind({ sql }: Database, logger: Logger): Promise<WallKind> {
  const [made] = await sql<{ why_not: string | null }[]>`select sync_make_reader() as why_not`;
  if (made?.why_not === null) return 'role';
  const [self] = await sql<{ forced: boolean }[]>`select row_security_active('patients') as forced`;
  const kind = self?.forced === true ? 'owner' : 'none';
  logger.warn(
    { row_security: kind },
    `The role ${READER} cannot be used, so reads are guarded ${kind === 'owner' ? 'by the rights of our own role only' : 'by their statements only'}. As a superuser: CREATE ROLE ${READER} NOLOGIN; GRANT ${READER} TO the user of DATABASE_URL`,
  );
  return kind;
}
